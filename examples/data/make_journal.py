#!/usr/bin/env python3
"""Writes journal.ndjson: one invented person's year, 2025-11-01 to 2026-10-31.

Deterministic: the same file every time. Standard library only; zone rules are spelled out below so
that the result does not depend on the zone data of the machine. Run it in this folder:

    python3 make_journal.py > journal.ndjson

The arc: a slip at a party in December, a journey to New York in April, a lapse of some days in
June, a harder summer and a steadier autumn, a tour to Tokyo in September. `docs/ndjson.md`
describes the lines.
"""

import hashlib
import json
import random
import sys
from datetime import date, datetime, timedelta

import journal_words as words

RNG = random.Random(20251101)
FIRST, LAST = date(2025, 11, 1), date(2026, 10, 31)
SLIP = date(2025, 12, 19)
LAPSE_FIRST, LAPSE_LAST = date(2026, 6, 12), date(2026, 6, 14)
NEW_YORK = (date(2026, 4, 14), date(2026, 4, 24))
TOKYO = (date(2026, 9, 8), date(2026, 9, 20))

ENTRIES = []  # (moment written down, order, line)


def fill(line, **given):
    """Puts something into the slots of a line."""
    for slot, choices in words.SLOTS.items():
        line = line.replace("{" + slot + "}", RNG.choice(choices))
    for slot, text in given.items():
        line = line.replace("{" + slot + "}", text)
    return line[:1].upper() + line[1:]


class Bag:
    """Draws without repeating until everything was drawn once."""

    def __init__(self, items):
        self.items, self.left = list(items), []

    def draw(self):
        if not self.left:
            self.left = RNG.sample(self.items, len(self.items))
        return fill(self.left.pop())


BAGS = {name: Bag(getattr(words, name)) for name in (
    "MORNING", "EVENING", "WORK", "FAMILY", "INNER", "NEW_YORK", "TOKYO", "THOUGHTS", "SETTINGS",
    "REACHED", "NOT_REACHED",
    "MEETING_NOTES")}
SEASONS = {month: Bag(lines) for month, lines in words.SEASON.items()}


def zone_of(day):
    if NEW_YORK[0] <= day <= NEW_YORK[1]:
        return "America/New_York"
    if TOKYO[0] <= day <= TOKYO[1]:
        return "Asia/Tokyo"
    return "Europe/Berlin"


def offset_hours(local, zone):
    """Hours east of UTC of a local time: the rules of 2025 and 2026 only."""
    if zone == "Asia/Tokyo":
        return 9
    if zone == "America/New_York":
        return -4 if datetime(2026, 3, 8, 3) <= local < datetime(2026, 11, 1, 2) else -5
    return 2 if datetime(2026, 3, 29, 3) <= local < datetime(2026, 10, 25, 3) else 1


def sign(hours):
    return f"{'-' if hours < 0 else '+'}{abs(hours):02}:00"


def exact(local, offset=None):
    zone = zone_of(local.date())
    offset = offset_hours(local, zone) if offset is None else offset
    return f"{local.isoformat(timespec='seconds')}{sign(offset)}[{zone}]", local - timedelta(hours=offset)


def some_day(day):
    local = datetime(day.year, day.month, day.day)
    zone = zone_of(day)
    return f"{day} {sign(offset_hours(local, zone))}[{zone}]", local - timedelta(hours=offset_hours(local, zone))


def part_of_day(day, part):
    hour = {"night": 0, "morning": 6, "afternoon": 12, "evening": 18}[part]
    local = datetime(day.year, day.month, day.day, hour)
    offset = offset_hours(local, zone_of(day))
    return f"{day} {part} {sign(offset)}[{zone_of(day)}]", local - timedelta(hours=offset)


def between(a, b):
    (start, start_utc), (end, _) = exact(a), exact(b)
    return f"{start.split('[')[0]}/{end}", start_utc


def add(kind, when, late_minutes=None, edited=None, **fields):
    """Adds an entry at `when` (text, UTC), written down some minutes later."""
    text, utc = when
    late = RNG.choice((0, 1, 1, 2, 3, 5, 8, 14, 35)) if late_minutes is None else late_minutes
    recorded = utc + timedelta(minutes=late, seconds=RNG.randrange(60))
    number = len(ENTRIES)
    line = {"kind": kind, "at": text, "recorded": recorded.isoformat(timespec="seconds") + "Z"}
    line["edited"] = RNG.random() < 0.05 if edited is None else edited
    fields.setdefault("source", "typed")
    line.update(sorted((name, value) for name, value in fields.items() if value is not None))
    if RNG.random() > 0.04:  # a few came from elsewhere and have no id yet
        month = (utc.year - 1970) * 12 + utc.month - 1
        tail = hashlib.sha256(f"sample year {number} {text}".encode()).hexdigest()[:28]
        line = {"id": f"{month:04x}{tail}", **line}
    ENTRIES.append((recorded, number, line))


def at(day, hour, spread=50):
    return datetime(day.year, day.month, day.day, hour) + timedelta(minutes=RNG.randrange(spread), seconds=RNG.choice((0, 0, 0, RNG.randrange(60))))


def strain(day):
    """How hard times are, 0 to 1: the arc of the year."""
    level = 0.35
    for centre, width, height in ((SLIP, 9, 0.4), (LAPSE_FIRST, 16, 0.55), (date(2026, 2, 12), 8, 0.2), (date(2026, 7, 20), 20, 0.15)):
        distance = abs((day - centre).days)
        level += height * max(0, 1 - distance / width)
    level -= 0.15 * ((day - FIRST).days / 365)
    return min(0.95, max(0.05, level + RNG.uniform(-0.12, 0.12)))


def scale(value):
    return max(0, min(10, round(value + RNG.gauss(0, 1))))


def maybe(chance, value):
    return value if RNG.random() < chance else None


def some(items, low, high):
    return RNG.sample(items, RNG.randint(low, high))


def sentences(day, count):
    zone = zone_of(day)
    pools = ["WORK", "FAMILY", "INNER", "INNER"]
    if zone == "America/New_York":
        pools = ["NEW_YORK", "NEW_YORK", "INNER"]
    if zone == "Asia/Tokyo":
        pools = ["TOKYO", "TOKYO", "WORK", "INNER"]
    parts = []
    for pool in RNG.sample(pools * 3, count) if count < 8 else [RNG.choice(pools) for _ in range(count)]:
        line = BAGS[pool].draw()
        if line not in parts:
            parts.append(line)
    if zone == "Europe/Berlin" and RNG.random() < 0.5:
        parts.insert(RNG.randrange(len(parts) + 1), SEASONS[day.month].draw())
    return RNG.choice((" ", " ", "\n")).join(parts)


def check_in(day, hour, hard):
    morning = hour < 12
    line = BAGS["MORNING" if morning else "EVENING"].draw()
    roll = RNG.random()
    note = None if roll < 0.45 else line if roll < 0.62 else f"{line} {sentences(day, 1)}"
    halt = RNG.random() < 0.7
    add("check-in", exact(at(day, hour)),
        mood=scale(8 - 6 * hard), craving=maybe(0.9, scale(8 * hard - 1)), stress=maybe(0.8, scale(7 * hard + 1)),
        sleep_hours=round(RNG.gauss(7 - 2 * hard, 0.8) * 4) / 4 if morning else None,
        sleep_quality=maybe(0.6, scale(8 - 5 * hard)) if morning else None,
        hungry=RNG.random() < 0.25 if halt else None, angry=RNG.random() < hard * 0.6 if halt else None,
        lonely=RNG.random() < hard * 0.8 if halt else None, tired=RNG.random() < 0.3 + hard * 0.4 if halt else None,
        signs=maybe(0.5, some(words.SIGNS, 0, 1 + round(2 * hard))),
        day_difficulty=None if morning else max(1, min(5, round(1 + 4 * hard + RNG.gauss(0, 0.6)))), note=note)


def urge(day, hard):
    local = at(day, RNG.choice((0, 13, 16, 18, 19, 21, 22, 23)))
    strength = max(5, min(100, round(RNG.gauss(35 + 45 * hard, 15))))
    outcome = RNG.choices(("passed", "passed-with-help", "still-going", "not-recorded"), (60, 25, 8, 7))[0]
    after = None if outcome in ("still-going", "not-recorded") else max(0, strength - RNG.randrange(15, 60))
    when = exact(local) if RNG.random() > 0.06 else part_of_day(day, RNG.choice(("night", "afternoon", "evening")))
    add("urge", when, late_minutes=None if RNG.random() < 0.85 else RNG.randrange(200, 2000),
        intensity=strength, intensity_after=after, outcome=outcome,
        duration_minutes=maybe(0.7, RNG.choice((3, 5, 10, 15, 20, 25, 30, 45, 60, 90))),
        setting=maybe(0.7, BAGS["SETTINGS"].draw()),
        company=maybe(0.6, RNG.choice(("alone", "alone", "colleagues", "friends", "people-using", "family", "strangers", "Inés"))),
        triggers=maybe(0.8, some(words.TRIGGERS, 1, 3)), thoughts=maybe(0.5, BAGS["THOUGHTS"].draw()),
        coping=maybe(0.85, some(words.COPING, 0 if outcome != "passed-with-help" else 1, 3)),
        note=maybe(0.3, BAGS["INNER"].draw()))


def contact(day):
    who, role = RNG.choices((("Jonas", "sponsor"), ("Inés", "friend"), ("Karim", "family"), ("Frau Vogt", "counsellor"), ("Teta", "family"), ("Rolf", "peer"), ("Dr. Brandt", "doctor")), (40, 20, 15, 8, 6, 8, 3))[0]
    outcome = RNG.choices(("reached", "left-message", "no-answer", "planned"), (70, 12, 12, 6))[0]
    note = None
    if RNG.random() < 0.45 and outcome != "planned":
        note = fill(BAGS["REACHED" if outcome == "reached" else "NOT_REACHED"].draw(), who=who)
        if outcome == "reached" and RNG.random() < 0.35:
            note += " " + BAGS["INNER"].draw()
    channels = ("call", "call", "text", "in-person", "video") if outcome == "reached" else ("call", "call", "text")
    add("contact", exact(at(day, RNG.choice((9, 12, 15, 17, 20, 22)))), who=who, role=maybe(0.9, role),
        channel=maybe(0.9, RNG.choice(channels)), outcome=outcome, note=note)


def meeting(day, kind, hour, place):
    attendance = RNG.choices(("attended", "missed"), (88, 12))[0]
    note = "Did not go. " + BAGS["INNER"].draw() if attendance == "missed" else BAGS["MEETING_NOTES"].draw()
    if RNG.random() < 0.3 and attendance == "attended":
        note += " " + BAGS["INNER"].draw()
    add("meeting", exact(at(day, hour, 6)), late_minutes=RNG.randrange(70, 240), meeting=kind, attendance=attendance,
        place=maybe(0.8, place), note=maybe(0.55, note))


def ordinary_day(day):
    hard = strain(day)
    if RNG.random() < 0.83:
        check_in(day, RNG.choice((6, 7, 7, 8, 9)), hard)
    if RNG.random() < 0.62:
        check_in(day, RNG.choice((19, 20, 21, 22)), hard)
    for _ in range(RNG.choices((0, 1, 2, 3), (60 - 40 * hard, 30, 12 * hard + 2, 6 * hard))[0]):
        urge(day, hard)
    if RNG.random() < 0.42 + 0.3 * hard:
        contact(day)
    abroad = zone_of(day) != "Europe/Berlin"
    if day.weekday() == 1 and RNG.random() < 0.95:
        meeting(day, "online" if abroad else "mutual-help", 19, None if abroad else "Gemeindesaal, Kreuzberg")
    if day.weekday() == 5 and RNG.random() < 0.8:
        meeting(day, "online" if abroad else "mutual-help", 11, None if abroad else "Nachbarschaftshaus, upstairs")
    if day.weekday() == 3 and day.isocalendar().week % 2 == 0 and not abroad:
        meeting(day, "counselling", 16, "Frau Vogt")
    roll = RNG.random()
    if roll < 0.30:
        add("note", exact(at(day, RNG.choice((10, 14, 17, 21, 23)))), note=sentences(day, RNG.choice((1, 1, 2, 2, 3))))
    elif roll < 0.36:
        add("note", exact(at(day, 22)), note=sentences(day, RNG.randint(9, 16)))
    elif roll < 0.40:  # written down days later, of a day only half remembered
        when = some_day(day) if RNG.random() < 0.5 else part_of_day(day, RNG.choice(("morning", "afternoon", "evening")))
        add("note", when, late_minutes=RNG.randrange(2000, 9000), note="Catching up: " + sentences(day, 2))


def the_slip():
    """A party, one occasion, written down the next morning; help within hours."""
    morning_after = datetime(2025, 12, 20, 7, 40)
    add("urge", exact(datetime(2025, 12, 19, 22, 50)), late_minutes=590, edited=False, intensity=85, outcome="used",
        setting="company party, third floor", company="colleagues", triggers=["party", "praise", "a message from D."],
        thoughts="One evening off from being careful.", coping=[])
    add("use", exact(datetime(2025, 12, 19, 23, 30)), late_minutes=560, edited=True, substance="cocaine",
        ended="2025-12-20T00:15:00+01:00[Europe/Berlin]", state="ended", intention="unplanned", extent="single-occasion",
        amount="two lines, I think", triggers=["party", "praise"], stage_signs=["out-of-nowhere"],
        after_thought="I stood in the staff toilet and did not like who was looking back. Then I left. I did leave.",
        all_or_nothing=True, guilt=9, confidence=4, attribution="Said yes before I had thought at all.",
        goal_status="kept", personal_label="slip", note="It was one evening. Jonas says: what do you do in the next hour? This. I write it down.")
    add("contact", exact(morning_after + timedelta(minutes=25)), late_minutes=4, who="Jonas", role="sponsor", channel="call",
        outcome="reached", note="He said: thank you for calling. Not: why. Meeting at eleven, he picks me up.")
    add("meeting", exact(datetime(2025, 12, 20, 11, 0)), late_minutes=150, meeting="mutual-help", attendance="attended",
        place="Nachbarschaftshaus, upstairs", note="Said it out loud. The ceiling stayed where it was.")
    add("note", exact(datetime(2025, 12, 20, 21, 15)), note="What was different: no dinner, praise from the director, the message from D. What I do until Monday: eat, Karim has the card, Jonas morning and evening, D. is blocked. Das ist ein Plan. 🕯️")


def the_lapse():
    """Four blurred days, put together afterwards; half of the times are only roughly known."""
    for back, text in ((6, "Skipped the Saturday meeting, told nobody."), (4, "Third night under five hours."), (2, "Her father wants to change the weekends. I said fine. It is not fine.")):
        day = LAPSE_FIRST - timedelta(days=back)
        add("note", exact(at(day, 23)), note=text)
    add("use", part_of_day(LAPSE_FIRST, "evening"), late_minutes=5200, edited=True, substance="cocaine",
        ended="2026-06-14 night +02:00[Europe/Berlin]", state="ended", intention="partly", extent="days", extent_days=3,
        amount="more than I want to write", triggers=["argument", "being alone", "payday"], stage_signs=["emotional", "mental"],
        after_thought="I thought: now it makes no difference. That thought was the expensive one.", all_or_nothing=True, guilt=8,
        confidence=3, attribution="Weeks of sleeping badly and saying 'fine'.", goal_status="unsure", personal_label="lapse")
    add("note", between(datetime(2026, 6, 12, 20), datetime(2026, 6, 14, 5)), late_minutes=4100, edited=False,
        note="I do not have the order of these days. Curtains. Noor was at her father's, thank God. Thirty-one unread messages. On Sunday Inés had a key and used it.")
    add("check-in", part_of_day(date(2026, 6, 14), "afternoon"), late_minutes=1500, mood=1, craving=7, stress=9, hungry=True, angry=False, lonely=True, tired=True, signs=["not answering messages", "sleeping badly", "keeping secrets"], day_difficulty=5)
    add("contact", exact(datetime(2026, 6, 14, 16, 30)), late_minutes=90, who="Inés", role="friend", channel="in-person", outcome="reached", note="Soup, shower, no speech. «Mañana llamamos.»")
    add("contact", exact(datetime(2026, 6, 15, 8, 5)), late_minutes=6, who="Frau Vogt", role="counsellor", channel="call", outcome="reached", note="Tomorrow at nine. Until then Inés stays.")
    add("contact", exact(datetime(2026, 6, 15, 8, 40)), late_minutes=2, who="Jonas", role="sponsor", channel="call", outcome="left-message")
    add("meeting", exact(datetime(2026, 6, 16, 9, 0)), late_minutes=110, meeting="counselling", attendance="attended", place="Frau Vogt", note="She asked three times what I had done right on Sunday. I opened the door. That counts, she says. Daily check-ins, meeting every second day, group starts on Monday.")
    for day in range(17, 30):
        if RNG.random() < 0.75:
            meeting(date(2026, 6, day), RNG.choice(("mutual-help", "online", "group-therapy")), RNG.choice((12, 18, 20)), "St. Hedwig, room 4")
        if RNG.random() < 0.8:
            contact(date(2026, 6, day))


def the_clocks():
    """The hour that is missing in March, and the one that comes twice in October."""
    add("urge", exact(datetime(2026, 3, 29, 1, 45)), intensity=55, outcome="passed", setting="in bed", company="alone", duration_minutes=30, coping=["breathing 4-7-8"])
    add("note", exact(datetime(2026, 3, 29, 3, 5)), late_minutes=0, note="Five past three and it was five to two a moment ago. Noor will want to know where it went.")
    add("note", exact(datetime(2026, 10, 25, 2, 30), 2), late_minutes=0, note="Half past two, the first time.")
    add("check-in", exact(datetime(2026, 10, 25, 2, 30), 1), late_minutes=0, mood=6, craving=2, tired=True, note="Half past two again. A free hour; I spent it on tea. 🍵")
    add("check-in", some_day(date(2026, 3, 29)), late_minutes=1700, mood=5, note="A short day, I only remember that it was short.")


def the_long_notes():
    """What a person pastes: a notebook copied out, about 20 KiB, and a letter."""
    pages, day = [], date(2025, 11, 3)
    while sum(len(page.encode()) for page in pages) < 20_000:
        pages.append(f"{day.strftime('%d.%m.')} — {sentences(day, RNG.randint(3, 6))}")
        day += timedelta(days=RNG.randint(1, 4))
        if day > date(2026, 4, 12):
            day = date(2025, 11, 4)
    pages.sort(key=lambda page: ((int(page[3:5]) + 1) % 12, page[:2]))
    add("note", exact(datetime(2026, 4, 12, 15, 20)), late_minutes=75, edited=True,
        note="The paper notebook is falling apart, so I am copying it out before pages go missing. Not everything, and the spelling is mine.\n\n" + "\n\n".join(pages))
    add("note", exact(datetime(2026, 8, 1, 22, 10)), late_minutes=40, edited=False, note="Letter I will not send.\n\nMama,\n" + "\n".join(sentences(date(2026, 8, 1), 10) for _ in range(3)) + "\n\nYour daughter, who is all right tonight.")
    add("note", exact(datetime(2026, 10, 31, 20, 30)), edited=False, note="A year in here. One slip, one lapse, a wedding, a tour, four teeth (Noor's). Prozentrechnung überlasse ich anderen. شكراً، gracias, ありがとう, danke. 🌱")


def main():
    day = FIRST
    while day <= LAST:
        if not LAPSE_FIRST <= day <= LAPSE_LAST:
            ordinary_day(day)
        day += timedelta(days=1)
    the_slip()
    the_lapse()
    the_clocks()
    the_long_notes()
    ENTRIES.sort(key=lambda entry: entry[:2])
    for _, _, line in ENTRIES:
        sys.stdout.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
