"""Makes the documents of the development sets: 200 for each index, always the same ones.

    documents("tickets")    [("tickets-000", {"ticket_no": "T-20417", "status": "open", …}), …]

All companies, people and events are made up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from random import Random
from typing import Any, TypeVar

__all__ = ["COUNT", "documents"]

COUNT = 200  # documents of one index
SEED = 1904

T = TypeVar("T")
Document = dict[str, Any]


@cache
def documents(name: str) -> Sequence[tuple[str, Document]]:
    """The documents of that index, with their ids. Raises KeyError."""
    random = Random(f"{SEED} {name}")
    made = MAKERS[name]
    return [
        (f"{name}-{number:03}", {field: value for field, value in made(random, number).items() if value is not None})
        for number in range(COUNT)
    ]


def _often(random: Random, weights: Mapping[T, int]) -> T:
    return random.choices(list(weights), list(weights.values()))[0]


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _before(random: Random, now: str, days: float) -> datetime:
    """A moment in the last `days` before `now`. Recent ones are more frequent."""
    return datetime.fromisoformat(now.rstrip("Z")) - timedelta(minutes=int(days * 1440 * random.random() ** 1.6))


# --- support tickets of a software company ----------------------------------------------

SUBJECTS = (
    "Cannot log in after password reset",
    "App crashes when exporting to PDF",
    "Invoice shows wrong VAT",
    "Sync is stuck at 99 percent",
    "Feature request: dark mode",
    "Slow dashboard since the update",
    "Two-factor code never arrives",
    "Webhook returns 500",
    "Refund for duplicate payment",
    "Licence key rejected",
)
BODIES = (
    "We get a timeout error every morning. Please help, this is urgent.",
    "It worked before the last update. The log file is attached.",
    "Several colleagues see the same error message.",
    "Could you explain how this works? Our trial ends soon.",
    "The page stays blank in Firefox, it is fine in Chrome.",
)
CUSTOMERS = (
    ("Brightwater Dental", "Team", "US", 14),
    ("Nordlicht Energie", "Enterprise", "DE", 820),
    ("Casa Verde Foods", "Team", "ES", 45),
    ("Quillon Law", "Enterprise", "GB", 260),
    ("Studio Pomelo", "Free", "FR", 3),
    ("Harbour Freight Lines", "Enterprise", "NL", 1400),
    ("Tiny Acorn School", "Free", "US", 6),
    ("Maple & Finch", "Team", "CA", 31),
)
AGENTS = (("Bob Turner", "Tier 1"), ("Aisha Khan", "Tier 1"), ("Priya Nair", "Tier 2"), ("Tom Becker", "Tier 2"))


def _ticket(random: Random, number: int) -> Document:
    opened = _before(random, "2026-03-18T14:30:00Z", 120)
    status = _often(random, {"solved": 6, "closed": 4, "open": 4, "waiting on customer": 2, "on hold": 1, "new": 2})
    name, plan, country, seats = random.choice(CUSTOMERS)
    agent, team = random.choice(AGENTS)
    minutes = int(random.expovariate(1 / 190)) + 2
    done = status in ("solved", "closed")
    assigned = status != "new"
    closed = opened + timedelta(hours=random.randint(1, 200))
    return {
        "ticket_no": f"T-{20400 + number}",
        "subject": random.choice(SUBJECTS),
        "body": random.choice(BODIES),
        "status": status,
        "prio": _often(random, {"P1": 2, "P2": 3, "P3": 5, "P4": 3}),
        "product": _often(random, {"Web Portal": 4, "Mobile App": 3, "Desktop App": 3, "API": 2, "Billing": 2}),
        "app_ver": random.choice(("4.2.0", "4.2.1", "4.3.0", "5.0.0-beta")) if random.random() < 0.8 else None,
        "channel": _often(random, {"email": 5, "chat": 4, "phone": 2, "web form": 2}),
        "assignee": {"name": agent, "team": team} if assigned else None,
        "customer": {"name": name, "plan": plan, "country": country, "seats": seats},
        "tags": random.sample(["login", "export", "crash", "payment", "sync", "ui", "security", "feature"], 2),
        "opened_at": _iso(opened),
        "closed_at": _iso(closed) if done else None,
        "frt_min": minutes if assigned else None,
        "replies": random.randint(0, 12),
        "reopened": _often(random, {0: 8, 1: 2, 2: 1}),
        "csat": random.randint(1, 5) if done and random.random() < 0.6 else None,
        "sla_breached": minutes > 240,
        "escalated": random.random() < 0.15,
    }


# --- loans of a city library ------------------------------------------------------------

BOOKS = (
    ("The Salt Orchard", "Mara Lindqvist", "fiction", "English", 2019, 412),
    ("A Short History of Bridges", "Colin Abara", "history", "English", 2008, 288),
    ("Der stille Hafen", "Jonas Reuter", "crime", "German", 2021, 356),
    ("Robots for Breakfast", "Tess Okoye", "children", "English", 2016, 64),
    ("The Clockmaker's Debt", "Mara Lindqvist", "crime", "English", 2022, 390),
    ("Cooking with Lentils", "Ruth Palmer", "cooking", "English", 2013, 180),
    ("La casa del viento", "Inés Carrasco", "fiction", "Spanish", 1998, 240),
    ("Dragons of the Lower East Side", "Kofi Brandt", "fantasy", "English", 2020, 640),
    ("Stars for Beginners", "Colin Abara", "science", "English", 2011, 210),
    ("Le jardin perdu", "Hélène Aubry", "fiction", "French", 1987, 198),
    ("Moon Picnic", "Tess Okoye", "children", "English", 2023, 40),
    ("The Gardener's Year", "Ruth Palmer", "gardening", "English", 2004, 156),
)
MEMBERS = (
    ("Olga Petrova", "adult"),
    ("Sam Whitfield", "student"),
    ("Grace Lee", "senior"),
    ("Ben Adeyemi", "adult"),
    ("Nina Castillo", "child"),
    ("Harold Stone", "senior"),
    ("Lucy Marsh", "student"),
    ("Omar Haddad", "adult"),
)


def _loan(random: Random, number: int) -> Document:
    today = date(2025, 10, 14)
    loaned = today - timedelta(days=int(330 * random.random() ** 1.8))
    title, author, genre, language, year, pages = random.choice(BOOKS)
    who = random.randrange(len(MEMBERS))
    media = _often(random, {"book": 10, "audiobook": 3, "e-book": 2, "dvd": 1})
    renewals = _often(random, {0: 7, 1: 3, 2: 1, 3: 1})
    due = loaned + timedelta(days=21 * (1 + renewals))
    back = loaned + timedelta(days=random.randint(2, 34 + 21 * renewals))
    lost = random.random() < 0.04
    returned = back < today and not lost and random.random() < 0.93
    late = ((back if returned else today) - due).days
    return {
        "loan_id": f"L{500100 + 7 * number}",
        "title": title,
        "author": author,
        "genre": genre,
        "lang": language,
        "media": media,
        "pub_year": year,
        "pages": pages if media == "book" else None,
        "branch": _often(random, {"Central": 5, "Riverside": 3, "Hillcrest": 2, "Old Mill": 1}),
        "shelfmark": f"{genre[:3].upper()} {author.split()[-1][:3].upper()}",
        "member": {
            "card_no": f"M{7000 + who}",
            "name": MEMBERS[who][0],
            "group": MEMBERS[who][1],
            "since": f"{2009 + 2 * who}-0{1 + who}-15",
        },
        "loaned_on": loaned.isoformat(),
        "due_on": due.isoformat(),
        "returned_on": back.isoformat() if returned else None,
        "renewals": renewals,
        "fine": round(0.25 * late, 2) if late > 0 else 0.0,
        "fine_paid": random.random() < 0.6 if late > 0 else None,
        "lost": lost,
        "self_checkout": random.random() < 0.55,
        "stars": random.choice((2.5, 3.0, 3.5, 4.0, 4.5, 5.0)) if returned and random.random() < 0.5 else None,
    }


# --- orders of a food delivery ----------------------------------------------------------

DISHES = {
    "Margherita": ("pizza", 9.5),
    "Quattro Formaggi": ("pizza", 12.0),
    "Pad Thai": ("main", 11.5),
    "Green Curry": ("main", 12.5),
    "Falafel Wrap": ("main", 7.5),
    "Spring Rolls": ("starter", 5.0),
    "Tiramisu": ("dessert", 6.0),
    "Mango Sticky Rice": ("dessert", 5.5),
    "Lemonade": ("drink", 3.5),
    "Craft Beer": ("drink", 4.5),
}
RESTAURANTS = (
    ("Bella Napoli", "Italian", "Old Town"),
    ("Siam Garden", "Thai", "Harbour"),
    ("Beirut Express", "Lebanese", "University"),
    ("Luigi's Corner", "Italian", "Northside"),
    ("Golden Wok", "Chinese", "Harbour"),
)


def _order(random: Random, number: int) -> Document:
    placed = _before(random, "2026-06-12T21:15:00Z", 45)
    name, cuisine, district = random.choice(RESTAURANTS)
    status = _often(random, {"delivered": 16, "cancelled": 2, "on the way": 1, "preparing": 1})
    dishes = random.sample(sorted(DISHES), random.randint(1, 4))
    items: list[Document] = [
        {"dish": dish, "kind": DISHES[dish][0], "qty": random.choice((1, 1, 1, 2, 3)), "price": DISHES[dish][1]}
        for dish in dishes
    ]
    subtotal = sum(item["qty"] * item["price"] for item in items)
    fee = random.choice((0.0, 1.9, 2.9, 3.9))
    took = random.randint(16, 75)
    eta = random.choice((25, 30, 35, 40, 45))
    done = status == "delivered"
    return {
        "order_no": 88000 + number,
        "placed_at": _iso(placed),
        "delivered_at": _iso(placed + timedelta(minutes=took)) if done else None,
        "status": status,
        "restaurant": {"name": name, "cuisine": cuisine, "district": district},
        "courier": random.choice(("Marco", "Jin", "Fatima", "Dele", "Sofia")) if status != "preparing" else None,
        "vehicle": _often(random, {"bike": 5, "e-scooter": 3, "car": 2}),
        "items": items,
        "subtotal": subtotal,
        "fee": fee,
        "tip": random.choice((0.0, 0.0, 1.0, 2.0, 3.0, 5.0)),
        "total": round(subtotal + fee, 2),
        "pay": _often(random, {"card": 6, "paypal": 3, "cash": 2, "voucher": 1}),
        "promo": random.choice(("WELCOME10", "RAINYDAY", "FREEBIKE")) if random.random() < 0.25 else None,
        "first_order": random.random() < 0.2,
        "eta_min": eta,
        "took_min": took if done else None,
        "late": done and took > eta,
        "dist_km": round(random.uniform(0.4, 8.0), 1),
        "stars": random.randint(1, 5) if done and random.random() < 0.6 else None,
        "drop_off": {"lat": round(random.uniform(52.34, 52.40), 4), "lon": round(random.uniform(4.84, 4.95), 4)},
        "note": random.choice(("Ring twice please", "No onions", "Leave at the door", "Extra chopsticks, no peanuts"))
        if random.random() < 0.4
        else None,
    }


# --- appointments of a hospital ---------------------------------------------------------

DOCTORS = {
    "Cardiology": ("Dr. Weiss", "Dr. Okafor"),
    "Orthopedics": ("Dr. Lund",),
    "Pediatrics": ("Dr. Flores", "Dr. Meyer"),
    "Dermatology": ("Dr. Sato",),
    "Radiology": ("Dr. Brandt",),
}
DIAGNOSES = {
    "Cardiology": (("I10", "Essential hypertension"), ("I48.0", "Paroxysmal atrial fibrillation")),
    "Orthopedics": (("M54.5", "Low back pain"), ("S82.1", "Fracture of upper end of tibia")),
    "Pediatrics": (("J06.9", "Acute upper respiratory infection"), ("H66.9", "Otitis media")),
    "Dermatology": (("L20.9", "Atopic dermatitis"), ("L40.0", "Psoriasis vulgaris")),
    "Radiology": (("R91", "Abnormal finding of the lung"),),
}


def _appointment(random: Random, number: int) -> Document:
    start = datetime(2025, 11, 20, 8) + timedelta(days=random.randint(-75, 21), minutes=15 * random.randint(0, 36))
    past = start < datetime(2025, 11, 20, 9)
    department = random.choice(sorted(DOCTORS))
    code, text = random.choice(DIAGNOSES[department])
    status = _often(random, {"completed": 8, "no-show": 2, "cancelled": 2} if past else {"booked": 3, "confirmed": 2})
    seen = status == "completed"
    cost = random.choice((60, 85, 120, 190, 340, 720)) + random.randint(0, 19)
    insurance = _often(random, {"public": 6, "private": 3, "self-pay": 1})
    return {
        "appt_id": f"A{31000 + number}",
        "pat": {
            "mrn": f"{random.randint(100000, 999999)}",
            "yob": random.randint(2012, 2024) if department == "Pediatrics" else random.randint(1938, 2006),
            "sex": random.choice(("female", "male")),
            "city": random.choice(("Ashford", "Milton", "Kingsbridge", "Dunmore")),
            "insurance": insurance,
        },
        "dept": department,
        "doctor": random.choice(DOCTORS[department]),
        "room": f"{random.choice('ABC')}{random.randint(1, 4)}",
        "visit_type": _often(random, {"follow-up": 5, "first visit": 3, "check-up": 3, "telehealth": 2}),
        "booked_at": _iso(start - timedelta(days=random.randint(1, 60), minutes=random.randint(0, 400))),
        "start": _iso(start),
        "dur": random.choice((15, 20, 30, 45, 60)),
        "wait_min": random.randint(0, 70) if seen else None,
        "st": status,
        "dx_code": code if seen else None,
        "dx": text if seen else None,
        "meds": random.sample(["ibuprofen", "amoxicillin", "metoprolol", "cortisone", "paracetamol"], 2)
        if seen and random.random() < 0.6
        else None,
        "allergies": random.sample(["penicillin", "latex", "nuts", "pollen"], 1) if random.random() < 0.3 else None,
        "ref_by": random.choice(("GP", "emergency room", "self", "other clinic")),
        "cost": float(cost) if seen else None,
        "copay": float(cost // 10) if seen and insurance != "self-pay" else None,
        "interp": random.random() < 0.12,
        "reminded": random.random() < 0.7,
        "notes": random.choice(
            ("Patient reports dizziness in the morning.", "Control in six weeks.", "Brought own X-ray images.")
        )
        if seen and random.random() < 0.5
        else None,
    }


# --- shipments of a warehouse -----------------------------------------------------------

BUYERS = ("Alder & Sons", "Kite Electronics", "Mondo Sport", "Verano Home", "Pharma Nova", "Blue Fjord AS")
CITIES = (("Lyon", "FR"), ("Gdansk", "PL"), ("Porto", "PT"), ("Graz", "AT"), ("Hamburg", "DE"), ("Turin", "IT"))


def _shipment(random: Random, number: int) -> Document:
    created = _before(random, "2026-01-22T16:00:00Z", 90)
    status = _often(random, {"DLV": 11, "TRN": 4, "PCK": 2, "NEW": 2, "RTN": 1, "LST": 1})
    sent = status not in ("NEW", "PCK")
    shipped = created + timedelta(hours=random.randint(3, 70))
    promised = created + timedelta(days=random.randint(3, 8))
    delivered = shipped + timedelta(days=random.randint(1, 8))
    city, country = random.choice(CITIES)
    packages = random.choice((1, 1, 1, 2, 3, 4, 8, 20))
    weight = round(packages * random.uniform(0.4, 38), 1)
    return {
        "ship_no": f"SH{100900 + number}",
        "stat": status,
        "carrier": _often(random, {"DHL": 5, "UPS": 3, "GLS": 3, "DB Schenker": 1}),
        "svc": _often(random, {"standard": 6, "express": 3, "overnight": 1}),
        "wh": _often(random, {"ROT1": 4, "LEJ2": 3, "MIL1": 2}),
        "customer": random.choice(BUYERS),
        "dest": {"city": city, "ctry": country, "zip": f"{random.randint(10000, 99999)}"},
        "po_no": f"PO-{random.randint(4000, 4999)}" if random.random() < 0.7 else None,
        "skus": random.sample(["KB-104", "MS-220", "LMP-07", "BALL-5", "VITC-60", "SOFA-2"], random.randint(1, 3)),
        "created": _iso(created),
        "shipped": _iso(shipped) if sent else None,
        "promised": promised.date().isoformat(),
        "delivered": _iso(delivered) if status == "DLV" else None,
        "delay_d": max((delivered.date() - promised.date()).days, 0) if status == "DLV" else None,
        "n_pkg": packages,
        "wt_kg": weight,
        "val_eur": round(random.lognormvariate(6, 1), 2),
        "frt_eur": round(4 + 0.6 * weight, 2) if sent else None,
        "hazmat": random.random() < 0.1,
        "insured": random.random() < 0.35,
        "temp": _often(random, {"ambient": 8, "chilled": 2, "frozen": 1}),
        "remark": random.choice(("damaged box on arrival", "call before delivery", "gate 4, forklift needed"))
        if random.random() < 0.3
        else None,
    }


# --- players in football matches --------------------------------------------------------

PLAYERS = (
    ("Luca Moretti", "Rovers", "FW", "Italy", 24),
    ("Jamal Carter", "Rovers", "MF", "England", 29),
    ("Piotr Nowak", "Rovers", "GK", "Poland", 33),
    ("Diego Salas", "City", "FW", "Argentina", 31),
    ("Kwame Boateng", "City", "DF", "Ghana", 22),
    ("Erik Holm", "City", "MF", "Sweden", 19),
    ("Tiago Ramos", "United", "FW", "Portugal", 27),
    ("Sean O'Brien", "United", "DF", "Ireland", 35),
    ("Yuki Tanaka", "Albion", "MF", "Japan", 23),
    ("Max Vogel", "Albion", "FW", "Germany", 20),
)
STADIUMS = {"Rovers": "Mill Lane", "City": "Harbour Park", "United": "Castle Road", "Albion": "The Meadow"}


def _appearance(random: Random, number: int) -> Document:
    matchday, at = divmod(number, len(PLAYERS))
    name, club, position, nation, age = PLAYERS[at]
    others = [other for other in STADIUMS if other != club]
    opponent = others[matchday % 3]
    home = matchday % 2 == 0
    forward = {"FW": 3, "MF": 2}.get(position, 1)
    goals = sum(random.random() < 0.12 * forward for _ in range(3)) if position != "GK" else 0
    shots = goals + random.randint(0, 2 * forward)
    started = random.random() < 0.8
    kickoff = datetime(2025, 1, 4, 15) + timedelta(days=7 * matchday, hours=random.choice((0, 2, 5)))
    return {
        "match_id": f"m{matchday:02}-{club[:3].lower()}",
        "ko": _iso(kickoff),
        "comp": "cup" if matchday % 5 == 4 else "league",
        "matchday": matchday + 1,
        "player": {"name": name, "pos": position, "nat": nation, "age": age},
        "club": club,
        "opp": opponent,
        "venue": "home" if home else "away",
        "stadium": STADIUMS[club if home else opponent],
        "res": random.choice("WDL"),
        "started": started,
        "mins": random.choice((90, 90, 90, 84, 71, 62)) if started else random.choice((8, 15, 28)),
        "goals": goals,
        "assists": _often(random, {0: 8, 1: 2, 2: 1}),
        "shots": shots,
        "sot": min(shots, goals + random.randint(0, 2)),
        "xg": round(0.35 * goals + 0.08 * shots + random.random() / 5, 2),
        "pass_pct": round(random.uniform(58, 96), 1),
        "saves": random.randint(0, 9) if position == "GK" else None,
        "yc": _often(random, {0: 8, 1: 3, 2: 1}),
        "red": random.random() < 0.04,
        "motm": random.random() < 0.1,
        "inj": random.choice(("hamstring", "ankle", "knee")) if random.random() < 0.08 else None,
        "rating": round(random.uniform(4.5, 9.6), 2),
        "att": random.randint(4_000, 38_000),
        "referee": random.choice(("A. Dubois", "M. Jensen", "P. Kelly")),
        "report": random.choice(("Late winner in stoppage time", "Missed a penalty", "Solid in defence all afternoon"))
        if random.random() < 0.4
        else None,
    }


MAKERS: Mapping[str, Callable[[Random, int], Document]] = {
    "tickets": _ticket,
    "loans": _loan,
    "orders": _order,
    "clinic": _appointment,
    "shipments": _shipment,
    "football": _appearance,
}
