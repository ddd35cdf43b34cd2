"""Sixty golds over two toy databases, of every kind of query that questions ask for."""

from __future__ import annotations

from support.sql_trips import SCHEMA

__all__ = ["GOLDS", "LIBRARY", "SCHEMAS"]

LIBRARY = """
CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT, born INTEGER);
CREATE TABLE books (
  id INTEGER PRIMARY KEY, title TEXT NOT NULL, author_id INTEGER NOT NULL REFERENCES authors (id), genre TEXT NOT NULL,
  pages INTEGER NOT NULL, price DECIMAL(8, 2), published DATE
);
CREATE TABLE members (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, joined DATE NOT NULL, mentor_id INTEGER REFERENCES members (id)
);
CREATE TABLE loans (
  book_id INTEGER NOT NULL REFERENCES books (id), member_id INTEGER NOT NULL REFERENCES members (id),
  lent TIMESTAMP NOT NULL, returned TIMESTAMP, fee DOUBLE, PRIMARY KEY (book_id, member_id, lent)
);
"""

SCHEMAS = {"trips": SCHEMA, "library": LIBRARY}

_TRIPS = """
SELECT name FROM drivers WHERE rating > 4.5;
SELECT name, city FROM drivers WHERE city = 'Oslo' AND rating >= 4;
SELECT COUNT(*) FROM trips;
SELECT COUNT(*) FROM trips WHERE fare BETWEEN 5 AND 20;
SELECT COUNT(DISTINCT rider) FROM trips;
SELECT DISTINCT city FROM drivers WHERE city IS NOT NULL;
SELECT AVG(fare) FROM trips WHERE seats = 2;
SELECT MAX(fare), MIN(fare) FROM trips;
SELECT SUM(tip) FROM trips WHERE rider LIKE 'K%';
SELECT name FROM drivers ORDER BY rating DESC LIMIT 3;
SELECT name FROM drivers WHERE rating IS NOT NULL ORDER BY rating, name;
SELECT city, COUNT(*) FROM drivers GROUP BY city;
SELECT city, AVG(rating) FROM drivers WHERE active GROUP BY city HAVING COUNT(*) > 1;
SELECT rider, SUM(fare) AS total FROM trips GROUP BY rider ORDER BY total DESC LIMIT 1;
SELECT d.name, t.fare FROM drivers AS d JOIN trips AS t ON t.driver_id = d.id;
SELECT d.name, COUNT(t.id) FROM drivers AS d LEFT JOIN trips AS t ON t.driver_id = d.id GROUP BY d.id, d.name;
SELECT d.name FROM drivers AS d LEFT JOIN trips AS t ON t.driver_id = d.id WHERE t.id IS NULL;
SELECT d.city, SUM(t.fare) FROM drivers AS d JOIN trips AS t ON t.driver_id = d.id WHERE t.seats > 1 GROUP BY
    d.city;
SELECT name FROM drivers WHERE id IN (SELECT driver_id FROM trips WHERE fare > 10);
SELECT name FROM drivers WHERE id NOT IN (SELECT driver_id FROM trips WHERE driver_id IS NOT NULL);
SELECT name FROM drivers AS d WHERE NOT EXISTS (SELECT 1 FROM trips AS t WHERE t.driver_id = d.id AND t.fare > 10);
SELECT name FROM drivers WHERE rating = (SELECT MAX(rating) FROM drivers);
SELECT COUNT(*) FROM trips WHERE started >= '2024-05-01' AND started < '2024-06-01';
SELECT rider FROM trips WHERE tip IS NULL;
SELECT rider, fare + tip FROM trips WHERE tip > 0;
SELECT city FROM drivers UNION SELECT rider FROM trips;
SELECT name FROM drivers WHERE city = 'Oslo' OR city = 'Bergen' AND active;
SELECT name FROM drivers WHERE joined BETWEEN '2024-01-01' AND '2024-03-31' ORDER BY joined;
SELECT d.name FROM drivers AS d JOIN trips AS t ON t.driver_id = d.id GROUP BY d.id, d.name HAVING COUNT(*) >= 3;
SELECT name FROM drivers ORDER BY rating DESC LIMIT 1 OFFSET 1;
SELECT rider, COUNT(*) AS n FROM trips WHERE fare > 7.5 GROUP BY rider HAVING SUM(fare) > 30 ORDER BY n DESC, rider;
SELECT CASE WHEN fare > 10 THEN 'dear' ELSE 'cheap' END AS kind, COUNT(*) FROM trips GROUP BY kind;
"""

_LIBRARY = """
SELECT title FROM books WHERE genre IN ('crime', 'poetry') AND pages < 300;
SELECT title, price FROM books WHERE price IS NOT NULL ORDER BY price DESC LIMIT 5;
SELECT genre, COUNT(*), AVG(pages) FROM books GROUP BY genre ORDER BY COUNT(*) DESC;
SELECT a.name, b.title FROM authors AS a JOIN books AS b ON b.author_id = a.id WHERE a.country = 'Norway';
SELECT a.country, COUNT(DISTINCT a.id) FROM authors AS a JOIN books AS b ON b.author_id = a.id GROUP BY a.country;
SELECT a.name FROM authors AS a LEFT JOIN books AS b ON b.author_id = a.id WHERE b.id IS NULL;
SELECT m.name, COUNT(*) FROM members AS m JOIN loans AS l ON l.member_id = m.id GROUP BY m.id, m.name ORDER BY
    COUNT(*) DESC LIMIT 3;
SELECT b.title FROM books AS b JOIN loans AS l ON l.book_id = b.id JOIN members AS m ON m.id = l.member_id WHERE
    m.name = 'Ida';
SELECT DISTINCT m.name FROM members AS m JOIN loans AS l ON l.member_id = m.id WHERE l.returned IS NULL;
SELECT m.name, n.name FROM members AS m JOIN members AS n ON m.mentor_id = n.id;
SELECT m.name, n.name FROM members AS m LEFT JOIN members AS n ON m.mentor_id = n.id;
SELECT COUNT(*) FROM members WHERE mentor_id IS NULL;
SELECT SUM(fee) FROM loans WHERE lent BETWEEN '2024-05-01' AND '2024-05-31 23:59:59';
SELECT title FROM books WHERE pages > (SELECT AVG(pages) FROM books);
SELECT title FROM books AS b WHERE price = (SELECT MAX(price) FROM books AS c WHERE c.genre = b.genre);
SELECT name FROM authors WHERE born < 1950 EXCEPT SELECT a.name FROM authors AS a JOIN books AS b ON b.author_id =
    a.id WHERE b.genre = 'crime';
SELECT country FROM authors INTERSECT SELECT genre FROM books;
SELECT name FROM members UNION ALL SELECT name FROM authors;
SELECT genre FROM books GROUP BY genre HAVING MIN(pages) > 100 AND COUNT(*) > 2;
SELECT COUNT(price), COUNT(*) FROM books WHERE published > '2020-01-01';
WITH lent AS (SELECT book_id, COUNT(*) AS n FROM loans GROUP BY book_id) SELECT b.title, lent.n FROM books AS b JOIN
    lent ON lent.book_id = b.id WHERE lent.n > 2;
SELECT title FROM (SELECT title, ROW_NUMBER() OVER (PARTITION BY genre ORDER BY pages DESC, id) AS place FROM books)
    AS ranked WHERE place = 1;
SELECT name FROM authors WHERE name LIKE '%sen' AND country <> 'Norway';
SELECT genre, MAX(price) - MIN(price) AS spread FROM books GROUP BY genre ORDER BY spread DESC, genre;
SELECT m.name FROM members AS m WHERE EXISTS (SELECT 1 FROM loans AS l WHERE l.member_id = m.id AND l.fee > 2.5);
SELECT b.genre, SUM(l.fee) FROM books AS b LEFT JOIN loans AS l ON l.book_id = b.id GROUP BY b.genre;
SELECT title FROM books WHERE LOWER(title) LIKE '%night%' ORDER BY title;
SELECT AVG(pages * 1.0 / price) FROM books WHERE price > 0;
SELECT a.name, COALESCE(SUM(b.pages), 0) FROM authors AS a LEFT JOIN books AS b ON b.author_id = a.id GROUP BY a.id,
    a.name;
SELECT name FROM members WHERE joined > '2023-12-31' ORDER BY joined DESC, name LIMIT 2;
"""

GOLDS = [
    (schema, " ".join(gold.split()))
    for schema, golds in (("trips", _TRIPS), ("library", _LIBRARY))
    for gold in golds.split(";")
    if gold.strip()
]
