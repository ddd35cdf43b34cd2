-- Queries in DuckDB's dialect, one a line. Each has to give the same result in DuckDB, SQLite and PostgreSQL.
-- rows and columns
SELECT * FROM dept
SELECT name, salary FROM emp
SELECT e.* FROM emp e
SELECT DISTINCT city FROM dept
SELECT DISTINCT dept_id, active FROM emp
SELECT id AS n, name AS who FROM emp WHERE id < 4
SELECT 1 AS one, 'x' AS x, NULL AS nothing FROM dept
SELECT COUNT(*) FROM emp
SELECT COUNT(manager_id) FROM emp
SELECT COUNT(DISTINCT dept_id) FROM emp
SELECT COUNT(*), COUNT(salary), COUNT(DISTINCT salary) FROM emp
-- conditions
SELECT name FROM emp WHERE salary > 3000
SELECT name FROM emp WHERE salary >= 3000 AND dept_id = 1
SELECT name FROM emp WHERE dept_id = 1 OR dept_id = 2
SELECT name FROM emp WHERE NOT dept_id = 1
SELECT name FROM emp WHERE dept_id IN (1, 3)
SELECT name FROM emp WHERE dept_id NOT IN (1, 3)
SELECT name FROM emp WHERE salary BETWEEN 2000 AND 4000
SELECT name FROM emp WHERE salary NOT BETWEEN 2000 AND 4000
SELECT name FROM emp WHERE manager_id IS NULL
SELECT name FROM emp WHERE manager_id IS NOT NULL
SELECT name FROM emp WHERE salary <> 3000
SELECT name FROM emp WHERE active
SELECT name FROM emp WHERE NOT active
SELECT name FROM emp WHERE active = TRUE
SELECT name FROM emp WHERE active = FALSE
SELECT name FROM emp WHERE active IS NULL
SELECT name FROM emp WHERE active IS TRUE
SELECT name FROM emp WHERE active IS NOT TRUE
SELECT name FROM emp WHERE COALESCE(active, FALSE)
SELECT name FROM emp WHERE salary IS DISTINCT FROM 3000
SELECT name FROM emp WHERE manager_id IS NOT DISTINCT FROM NULL
SELECT name FROM emp WHERE (dept_id = 1 AND salary > 3000) OR (dept_id = 2 AND salary < 3000)
SELECT name FROM emp WHERE dept_id = 1 AND (salary > 3000 OR manager_id IS NULL)
SELECT name FROM emp WHERE manager_id = NULL
SELECT name FROM emp WHERE dept_id NOT IN (1, NULL)
SELECT name FROM emp WHERE salary * 12 > 40000
SELECT name FROM emp WHERE salary + bonus > 4000
SELECT name FROM emp WHERE COALESCE(bonus, 0) = 0
-- texts
SELECT name FROM emp WHERE name LIKE 'A%'
SELECT name FROM emp WHERE name LIKE 'a%'
SELECT name FROM emp WHERE name LIKE '%e'
SELECT name FROM emp WHERE name LIKE '%O%'
SELECT name FROM emp WHERE name LIKE '_o%'
SELECT name FROM emp WHERE name NOT LIKE '%a%'
SELECT name FROM emp WHERE name ILIKE 'a%'
SELECT name FROM emp WHERE name ILIKE '%O%'
SELECT name FROM emp WHERE LOWER(name) LIKE 'a%'
SELECT name FROM emp WHERE LOWER(name) = 'bob'
SELECT name FROM emp WHERE name = 'bob'
SELECT name FROM emp WHERE note LIKE '%10!%%' ESCAPE '!'
SELECT name FROM emp WHERE note LIKE '%''%'
SELECT name FROM emp WHERE note = ''
SELECT name FROM emp WHERE note IS NULL
SELECT name FROM emp WHERE LENGTH(name) > 3
SELECT UPPER(name), LOWER(name) FROM emp
SELECT LENGTH(name) FROM emp
SELECT LENGTH(note) FROM emp
SELECT name || '!' FROM emp
SELECT name || ' ' || note FROM emp
SELECT CONCAT(name, '-', dept_id) FROM emp WHERE dept_id IS NOT NULL
SELECT CONCAT(name, note) FROM emp
SELECT CONCAT_WS('-', name, note) FROM emp
SELECT SUBSTRING(name, 1, 2) FROM emp
SELECT SUBSTR(name, 2) FROM emp
SELECT LEFT(name, 2), RIGHT(name, 2) FROM emp
SELECT TRIM(note) FROM emp
SELECT REPLACE(name, 'o', '0') FROM emp
SELECT STRPOS(name, 'o') FROM emp
SELECT name FROM emp WHERE STARTS_WITH(name, 'A')
SELECT name FROM emp WHERE CONTAINS(name, 'o')
SELECT name FROM emp WHERE ENDS_WITH(name, 'e')
SELECT MIN(name), MAX(name) FROM emp
SELECT name FROM emp WHERE name > 'C'
SELECT name FROM emp WHERE name BETWEEN 'B' AND 'D'
SELECT name FROM emp WHERE name IN ('Bob', 'ann')
SELECT COALESCE(note, 'none') FROM emp
SELECT NULLIF(note, '') FROM emp
SELECT name || id FROM emp
-- numbers
SELECT salary / 2 FROM emp
SELECT id / 2 FROM emp
SELECT id // 2 FROM emp
SELECT id / 2.0 FROM emp
SELECT (id - 5) / 2 FROM emp
SELECT (id - 5) // 2 FROM emp
SELECT id % 3 FROM emp
SELECT (id - 5) % 3 FROM emp
SELECT SUM(id) / COUNT(*) FROM emp
SELECT COUNT(*) / 2 FROM emp
SELECT 1 / 3 FROM dept
SELECT 7 // 2 FROM dept
SELECT 7 / 2 FROM dept
SELECT -7 // 2 FROM dept
SELECT -7 % 3 FROM dept
SELECT id / NULLIF(dept_id - 1, 0) FROM emp
SELECT id / (dept_id - 1) FROM emp
SELECT id % (dept_id - 1) FROM emp
SELECT id // (dept_id - 1) FROM emp
SELECT salary * 1.1 FROM emp
SELECT ROUND(salary * 1.1, 2) FROM emp
SELECT ROUND(rating) FROM emp
SELECT ROUND(rating, 1) FROM emp
SELECT ROUND(AVG(salary)) FROM emp
SELECT ROUND(AVG(salary), 2) FROM emp
SELECT ROUND(AVG(rating), 1) FROM emp
SELECT ROUND(id / 4, 1) FROM emp
SELECT ROUND(2.5), ROUND(3.5), ROUND(-2.5) FROM dept
SELECT FLOOR(rating), CEIL(rating) FROM emp
SELECT ABS(id - 5) FROM emp
SELECT SQRT(id), POWER(id, 2) FROM emp
SELECT LN(id), EXP(1) FROM emp
SELECT SIGN(id - 3) FROM emp
SELECT GREATEST(id, 3), LEAST(id, 3) FROM emp
SELECT GREATEST(id, dept_id) FROM emp
SELECT 10 * id / 100 FROM emp
SELECT 100.0 * COUNT(*) / 7 FROM emp
SELECT 100 * SUM(CASE WHEN active THEN 1 ELSE 0 END) / COUNT(*) FROM emp
SELECT AVG(id) FROM emp
SELECT AVG(salary), SUM(salary), MIN(salary), MAX(salary) FROM emp
SELECT AVG(bonus), SUM(bonus) FROM emp
SELECT SUM(bonus) FROM emp WHERE id > 100
SELECT COUNT(*), SUM(salary), MAX(name) FROM emp WHERE id > 100
SELECT MAX(salary) - MIN(salary) FROM emp
SELECT STDDEV(salary) FROM emp
SELECT VARIANCE(salary) FROM emp
SELECT MEDIAN(salary) FROM emp
SELECT SUM(DISTINCT salary) FROM emp
SELECT AVG(DISTINCT dept_id) FROM emp
SELECT -salary FROM emp
SELECT salary + NULL FROM emp
SELECT 0.1 + 0.2 FROM dept
-- casts
SELECT CAST(id AS VARCHAR) FROM emp
SELECT CAST(rating AS INTEGER) FROM emp
SELECT CAST(salary AS INTEGER) FROM emp
SELECT CAST('12' AS INTEGER) + 1 FROM dept
SELECT CAST(id AS DOUBLE) / 4 FROM emp
SELECT CAST('2024-02-03' AS DATE) FROM dept
SELECT CAST(hired AS VARCHAR) FROM emp
SELECT CAST(active AS INTEGER) FROM emp
SELECT CAST(seen AS DATE) FROM emp
SELECT CAST(4.7 AS INTEGER), CAST(-4.7 AS INTEGER) FROM dept
SELECT CAST(4.5 AS INTEGER), CAST(5.5 AS INTEGER) FROM dept
SELECT CAST(salary AS VARCHAR) FROM emp
SELECT CAST(active AS VARCHAR) FROM emp
-- CASE
SELECT name, CASE WHEN salary > 3000 THEN 'high' ELSE 'low' END FROM emp
SELECT CASE dept_id WHEN 1 THEN 'a' WHEN 2 THEN 'b' END FROM emp
SELECT CASE WHEN active THEN 'yes' WHEN NOT active THEN 'no' ELSE 'unknown' END AS state, COUNT(*) FROM emp GROUP BY 1
SELECT SUM(CASE WHEN active THEN 1 ELSE 0 END) FROM emp
SELECT COUNT(CASE WHEN salary > 3000 THEN 1 END) FROM emp
SELECT COUNT(*) FILTER (WHERE salary > 3000) FROM emp
SELECT SUM(salary) FILTER (WHERE dept_id = 1), SUM(salary) FROM emp
SELECT IF(salary > 3000, 'high', 'low') FROM emp
SELECT salary > 3000 FROM emp
SELECT name, active FROM emp
SELECT BOOL_OR(active), BOOL_AND(active) FROM emp
-- grouping
SELECT dept_id, COUNT(*) FROM emp GROUP BY dept_id
SELECT dept_id, AVG(salary) FROM emp GROUP BY dept_id
SELECT dept_id, MAX(salary) - MIN(salary) AS spread FROM emp GROUP BY dept_id
SELECT dept_id, active, COUNT(*) FROM emp GROUP BY dept_id, active
SELECT dept_id, COUNT(*) FROM emp GROUP BY 1
SELECT dept_id, COUNT(*) AS n FROM emp GROUP BY dept_id HAVING COUNT(*) > 1
SELECT dept_id FROM emp GROUP BY dept_id HAVING AVG(salary) > 3000
SELECT dept_id, SUM(salary) FROM emp WHERE active GROUP BY dept_id HAVING SUM(salary) > 3000
SELECT COUNT(*) FROM emp HAVING COUNT(*) > 100
SELECT dept_id, COUNT(*) AS n FROM emp GROUP BY dept_id HAVING n > 1
SELECT LENGTH(name) AS size, COUNT(*) FROM emp GROUP BY size
SELECT dept_id, COUNT(DISTINCT manager_id) FROM emp GROUP BY dept_id
SELECT d.name, COUNT(*) FROM emp e JOIN dept d ON e.dept_id = d.id GROUP BY d.name
SELECT d.name, COUNT(e.id) FROM dept d LEFT JOIN emp e ON e.dept_id = d.id GROUP BY d.name
SELECT d.name, COALESCE(SUM(e.salary), 0) FROM dept d LEFT JOIN emp e ON e.dept_id = d.id GROUP BY d.name
SELECT d.id, d.name, COUNT(*) FROM dept d JOIN emp e ON e.dept_id = d.id GROUP BY d.id, d.name
SELECT YEAR(hired), COUNT(*) FROM emp GROUP BY YEAR(hired)
SELECT STRING_AGG(name, ',' ORDER BY name) FROM emp WHERE dept_id = 1
SELECT dept_id, STRING_AGG(name, '; ' ORDER BY id) FROM emp GROUP BY dept_id
SELECT dept_id, MIN(hired), MAX(hired) FROM emp GROUP BY dept_id
SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM emp GROUP BY dept_id) AS s
SELECT AVG(n) FROM (SELECT dept_id, COUNT(*) AS n FROM emp GROUP BY dept_id) AS s
SELECT dept_id, AVG(salary) / 2 FROM emp GROUP BY dept_id
-- joins
SELECT e.name, d.name FROM emp e JOIN dept d ON e.dept_id = d.id
SELECT e.name, d.name FROM emp e LEFT JOIN dept d ON e.dept_id = d.id
SELECT e.name, d.name FROM emp e RIGHT JOIN dept d ON e.dept_id = d.id
SELECT e.name, d.name FROM emp e FULL JOIN dept d ON e.dept_id = d.id
SELECT d.name FROM dept d LEFT JOIN emp e ON e.dept_id = d.id WHERE e.id IS NULL
SELECT e.name, m.name FROM emp e JOIN emp m ON e.manager_id = m.id
SELECT e.name, m.name FROM emp e LEFT JOIN emp m ON e.manager_id = m.id
SELECT e.name FROM emp e JOIN emp m ON e.manager_id = m.id WHERE e.salary > m.salary
SELECT e.name, d.name, t.hours FROM emp e JOIN dept d ON e.dept_id = d.id JOIN task t ON t.emp_id = e.id
SELECT e.name, SUM(t.hours) FROM emp e JOIN task t ON t.emp_id = e.id GROUP BY e.id, e.name
SELECT e.name, COALESCE(SUM(t.hours), 0) FROM emp e LEFT JOIN task t ON t.emp_id = e.id GROUP BY e.id, e.name
SELECT d.city, SUM(t.hours) FROM dept d JOIN emp e ON e.dept_id = d.id JOIN task t ON t.emp_id = e.id GROUP BY d.city
SELECT DISTINCT d.name FROM dept d JOIN emp e ON e.dept_id = d.id WHERE e.active
SELECT e.name FROM emp e, dept d WHERE e.dept_id = d.id AND d.city = 'Oslo'
SELECT e.name FROM emp e JOIN dept d ON e.dept_id = d.id AND d.city = 'Oslo'
SELECT d.name, e.name FROM dept d LEFT JOIN emp e ON e.dept_id = d.id AND e.active
SELECT a.name, b.name FROM emp a JOIN emp b ON a.dept_id = b.dept_id AND a.id < b.id
SELECT COUNT(*) FROM emp e JOIN task t ON t.emp_id = e.id WHERE t.done
SELECT e.name FROM emp e LEFT JOIN task t ON t.emp_id = e.id GROUP BY e.id, e.name HAVING COUNT(t.id) = 0
-- subqueries
SELECT name FROM emp WHERE salary = (SELECT MAX(salary) FROM emp)
SELECT name FROM emp WHERE salary > (SELECT AVG(salary) FROM emp)
SELECT name FROM emp WHERE dept_id IN (SELECT id FROM dept WHERE city = 'Oslo')
SELECT name FROM dept WHERE id NOT IN (SELECT dept_id FROM emp WHERE dept_id IS NOT NULL)
SELECT name FROM dept WHERE id NOT IN (SELECT dept_id FROM emp)
SELECT name FROM dept d WHERE EXISTS (SELECT 1 FROM emp e WHERE e.dept_id = d.id)
SELECT name FROM dept d WHERE NOT EXISTS (SELECT 1 FROM emp e WHERE e.dept_id = d.id)
SELECT name FROM emp e WHERE salary > (SELECT AVG(salary) FROM emp x WHERE x.dept_id = e.dept_id)
SELECT name, (SELECT COUNT(*) FROM task t WHERE t.emp_id = e.id) FROM emp e
SELECT d.name, (SELECT MAX(salary) FROM emp e WHERE e.dept_id = d.id) FROM dept d
SELECT name FROM (SELECT name, salary FROM emp WHERE active) AS s WHERE salary > 2000
WITH big AS (SELECT * FROM emp WHERE salary > 3000) SELECT COUNT(*) FROM big
WITH n AS (SELECT dept_id, COUNT(*) AS n FROM emp GROUP BY dept_id) SELECT d.name, n.n FROM dept d JOIN n ON n.dept_id = d.id
WITH a AS (SELECT AVG(salary) AS m FROM emp) SELECT name FROM emp, a WHERE salary > m
SELECT name FROM emp WHERE salary >= ALL (SELECT salary FROM emp WHERE salary IS NOT NULL)
SELECT name FROM emp WHERE salary > ANY (SELECT salary FROM emp WHERE dept_id = 1)
SELECT name FROM emp WHERE (SELECT COUNT(*) FROM task t WHERE t.emp_id = emp.id) > 1
-- set operations
SELECT city FROM dept UNION SELECT name FROM emp
SELECT dept_id FROM emp UNION ALL SELECT id FROM dept
SELECT id FROM dept EXCEPT SELECT dept_id FROM emp
SELECT id FROM dept INTERSECT SELECT dept_id FROM emp
SELECT dept_id FROM emp UNION SELECT NULL FROM dept
SELECT name FROM emp WHERE dept_id = 1 UNION SELECT name FROM emp WHERE active
SELECT name FROM emp WHERE active EXCEPT SELECT name FROM emp WHERE dept_id = 1
(SELECT name FROM emp ORDER BY salary DESC NULLS LAST LIMIT 1) UNION ALL (SELECT name FROM dept ORDER BY name LIMIT 1)
SELECT id FROM dept UNION SELECT dept_id FROM emp ORDER BY 1
SELECT 'emp' AS kind, COUNT(*) FROM emp UNION ALL SELECT 'dept', COUNT(*) FROM dept
SELECT id FROM dept INTERSECT SELECT dept_id FROM emp UNION SELECT 100
-- order and LIMIT
SELECT name FROM emp ORDER BY name
SELECT name FROM emp ORDER BY salary
SELECT name FROM emp ORDER BY salary DESC
SELECT name FROM emp ORDER BY salary NULLS FIRST
SELECT name FROM emp ORDER BY salary DESC NULLS LAST
SELECT name, dept_id FROM emp ORDER BY dept_id, name
SELECT name, dept_id FROM emp ORDER BY dept_id DESC, name
SELECT name FROM emp ORDER BY manager_id, id
SELECT name FROM emp ORDER BY manager_id DESC, id
SELECT name FROM emp ORDER BY active, id
SELECT name FROM emp ORDER BY active DESC, id
SELECT name FROM emp ORDER BY hired
SELECT name FROM emp ORDER BY hired DESC LIMIT 2
SELECT name FROM emp ORDER BY LENGTH(name), name
SELECT name FROM emp ORDER BY LOWER(name)
SELECT name, salary * 12 AS year FROM emp ORDER BY year DESC, id
SELECT name FROM emp ORDER BY salary LIMIT 3
SELECT name FROM emp ORDER BY salary DESC LIMIT 3
SELECT name FROM emp ORDER BY salary DESC LIMIT 1
SELECT name FROM emp ORDER BY bonus DESC LIMIT 3
SELECT name FROM emp ORDER BY id LIMIT 3 OFFSET 2
SELECT name FROM emp ORDER BY id OFFSET 5
SELECT dept_id, COUNT(*) AS n FROM emp GROUP BY dept_id ORDER BY n DESC, dept_id
SELECT dept_id, COUNT(*) AS n FROM emp GROUP BY dept_id ORDER BY n DESC LIMIT 1
SELECT dept_id, AVG(salary) AS m FROM emp GROUP BY dept_id ORDER BY m DESC LIMIT 2
SELECT DISTINCT dept_id FROM emp ORDER BY dept_id
SELECT DISTINCT dept_id FROM emp ORDER BY dept_id DESC LIMIT 2
SELECT dept_id FROM emp GROUP BY dept_id ORDER BY COUNT(*) DESC, dept_id LIMIT 2
SELECT name FROM emp ORDER BY note, id
SELECT name FROM emp ORDER BY 1 DESC
SELECT name FROM emp LIMIT 0
SELECT e.name FROM emp e JOIN dept d ON e.dept_id = d.id ORDER BY d.name, e.name
SELECT name FROM emp ORDER BY CASE WHEN active THEN 0 ELSE 1 END, id
SELECT name FROM emp ORDER BY salary / 7 DESC, id
-- windows
SELECT name, ROW_NUMBER() OVER (ORDER BY id) FROM emp
SELECT name, RANK() OVER (ORDER BY salary DESC) FROM emp WHERE salary IS NOT NULL
SELECT name, RANK() OVER (ORDER BY salary DESC) FROM emp
SELECT name, DENSE_RANK() OVER (PARTITION BY dept_id ORDER BY salary) FROM emp
SELECT name, SUM(salary) OVER (PARTITION BY dept_id) FROM emp
SELECT name, SUM(hours) OVER (ORDER BY t.id) FROM emp e JOIN task t ON t.emp_id = e.id
SELECT name, AVG(salary) OVER (PARTITION BY dept_id) - salary FROM emp
SELECT name, LAG(salary) OVER (ORDER BY id) FROM emp
SELECT name, LEAD(salary, 1, 0) OVER (ORDER BY id) FROM emp
SELECT name, NTILE(3) OVER (ORDER BY id) FROM emp
SELECT name, FIRST_VALUE(name) OVER (PARTITION BY dept_id ORDER BY id) FROM emp
SELECT name, LAST_VALUE(name) OVER (PARTITION BY dept_id ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM emp
SELECT name, COUNT(*) OVER () FROM emp
SELECT name, SUM(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM emp
SELECT name FROM (SELECT name, ROW_NUMBER() OVER (PARTITION BY dept_id ORDER BY salary DESC NULLS LAST, id) AS r FROM emp) AS s WHERE r = 1
SELECT name, salary FROM emp QUALIFY ROW_NUMBER() OVER (PARTITION BY dept_id ORDER BY id) = 1
SELECT name, PERCENT_RANK() OVER (ORDER BY id) FROM emp
SELECT name, CUME_DIST() OVER (ORDER BY id) FROM emp
-- dates
SELECT name FROM emp WHERE hired > '2022-01-01'
SELECT name FROM emp WHERE hired >= DATE '2022-01-01'
SELECT name FROM emp WHERE hired BETWEEN '2021-01-01' AND '2021-12-31'
SELECT name FROM emp WHERE seen BETWEEN '2024-03-01' AND '2024-03-31'
SELECT name FROM emp WHERE seen >= '2024-03-01' AND seen < '2024-04-01'
SELECT name FROM emp WHERE seen = '2024-03-31'
SELECT name FROM emp WHERE seen = '2024-03-31 00:00:00'
SELECT name FROM emp WHERE CAST(seen AS DATE) = '2024-03-31'
SELECT name FROM emp WHERE CAST(seen AS DATE) = DATE '2024-03-31'
SELECT name FROM emp WHERE YEAR(hired) = 2021
SELECT name FROM emp WHERE MONTH(hired) = 3
SELECT name FROM emp WHERE EXTRACT(YEAR FROM hired) = 2021
SELECT YEAR(hired), MONTH(hired), DAY(hired) FROM emp
SELECT EXTRACT(MONTH FROM hired), COUNT(*) FROM emp GROUP BY 1
SELECT EXTRACT(HOUR FROM seen) FROM emp
SELECT HOUR(seen), MINUTE(seen) FROM emp
SELECT EXTRACT(DOW FROM hired) FROM emp
SELECT QUARTER(hired) FROM emp
SELECT DAYOFYEAR(hired) FROM emp
SELECT DATE_TRUNC('month', hired) FROM emp
SELECT DATE_TRUNC('month', seen), COUNT(*) FROM emp GROUP BY 1
SELECT DATE_TRUNC('year', hired) FROM emp
SELECT DATE_TRUNC('day', seen) FROM emp
SELECT DATE_TRUNC('hour', seen) FROM emp
SELECT DATE_TRUNC('week', hired) FROM emp
SELECT STRFTIME(hired, '%Y-%m') FROM emp
SELECT STRFTIME(hired, '%Y') AS y, COUNT(*) FROM emp GROUP BY y
SELECT hired + INTERVAL 1 DAY FROM emp
SELECT hired - INTERVAL 1 MONTH FROM emp
SELECT hired + INTERVAL 7 DAY FROM emp
SELECT name FROM emp WHERE hired > DATE '2022-06-15' - INTERVAL 1 YEAR
SELECT name FROM emp WHERE seen >= TIMESTAMP '2024-03-31 12:00:00' - INTERVAL 24 HOUR
SELECT DATE_DIFF('day', hired, DATE '2024-01-01') FROM emp
SELECT DATE_DIFF('month', hired, DATE '2024-01-01') FROM emp
SELECT DATE_DIFF('year', hired, DATE '2024-01-01') FROM emp
SELECT DATE '2024-01-01' - hired FROM emp
SELECT MIN(hired), MAX(hired), MIN(seen), MAX(seen) FROM emp
SELECT name, hired, seen FROM emp
SELECT LAST_DAY(hired) FROM emp
SELECT name FROM emp WHERE hired < CURRENT_DATE
SELECT name FROM emp WHERE seen < CURRENT_TIMESTAMP
SELECT hired FROM emp ORDER BY hired DESC LIMIT 1
SELECT MAKE_DATE(2024, 1, id) FROM emp
SELECT seen + INTERVAL 90 MINUTE FROM emp
