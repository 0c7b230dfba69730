"""What each kind of thing in the world can have: how a document says it, how a person asks, how the reader answers.

In every template `{s}` is the subject and `{v}` the value. `finds` are questions that go from the value to the subject.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Callable

from . import names


@dataclass(frozen=True)
class Attribute:
    key: str
    value: Callable[[Random], str]
    says: list[str]
    asks: list[str]
    answer: str
    finds: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Kind:
    key: str
    subject: Callable[[Random], str]
    pronoun: str  # takes the subject's place in a sentence that follows another about the same subject
    attributes: list[Attribute]
    titles: list[str]


def number(low: int, high: int) -> Callable[[Random], str]:
    return lambda rng: str(rng.randint(low, high))


def one_of(words: list[str]) -> Callable[[Random], str]:
    return lambda rng: rng.choice(words)


SHIP = Kind("ship", names.ship, "She", [
    Attribute("cargo", one_of(names.CARGOES),
              ["The {s} carried {v}.", "The {s} carried a cargo of {v}.", "The {s} was loaded with {v}.",
               "The {s} came in with {v} in her hold.", "Aboard the {s} was a cargo of {v}."],
              ["What cargo did the {s} carry?", "What was the {s} carrying?", "Which cargo was aboard the {s}?",
               "What did the {s} carry?", "What was the cargo of the {s}?"],
              "The {s} carried {v}.",
              ["Which ship carried {v}?", "Which ship was loaded with {v}?"]),
    Attribute("captain", names.person,
              ["The {s} sailed under Captain {v}.", "The captain of the {s} was {v}.", "The {s} was commanded by {v}."],
              ["Who was the captain of the {s}?", "Who commanded the {s}?", "Under which captain did the {s} sail?"],
              "The captain of the {s} was {v}.",
              ["Which ship did {v} command?"]),
    Attribute("port", names.town,
              ["The home port of the {s} is {v}.", "The {s} is registered at {v}.", "The {s} belongs to {v}."],
              ["What is the home port of the {s}?", "Where is the {s} registered?", "Which port does the {s} belong to?"],
              "The home port of the {s} is {v}."),
    Attribute("day", one_of(names.DAYS),
              ["The {s} arrived on {v}.", "The {s} came into the harbour on {v}.", "The {s} was sighted on {v}."],
              ["On which day did the {s} arrive?", "When did the {s} arrive?", "What day did the {s} come in?"],
              "The {s} arrived on {v}."),
    Attribute("pier", number(1, 40),
              ["The {s} lay at pier {v}.", "The {s} was sent to pier {v}.", "The {s} made fast at pier {v}."],
              ["At which pier did the {s} lie?", "Where did the {s} moor?", "What was the pier of the {s}?"],
              "The {s} lay at pier {v}."),
    Attribute("crew", number(5, 90),
              ["The {s} had a crew of {v}.", "The {s} sailed with {v} hands."],
              ["How many people were in the crew of the {s}?", "How large was the crew of the {s}?"],
              "The {s} had a crew of {v}."),
], ["Harbour report", "Harbour log of {t}", "Arrivals at {t}", "Notes of the harbour master"])

TOWN = Kind("town", names.town, "It", [
    Attribute("mayor", names.person,
              ["The mayor of {s} is {v}.", "{s} elected {v} as its mayor.", "{s} is led by mayor {v}."],
              ["Who is the mayor of {s}?", "Who leads {s}?", "Which mayor does {s} have?"],
              "The mayor of {s} is {v}.",
              ["Which town does {v} lead?"]),
    Attribute("population", number(120, 9900),
              ["{s} has {v} inhabitants.", "The population of {s} is {v}.", "{s} is home to {v} people."],
              ["How many people live in {s}?", "What is the population of {s}?", "How many inhabitants has {s}?"],
              "{s} has {v} inhabitants."),
    Attribute("trade", one_of(names.CARGOES),
              ["{s} is known for its {v}.", "{s} lives from {v}.", "Traders come to {s} for {v}."],
              ["What is {s} known for?", "What does {s} trade in?", "What do traders buy in {s}?"],
              "{s} is known for its {v}.",
              ["Which town is known for its {v}?"]),
    Attribute("river", one_of(names.RIVERS),
              ["{s} lies on the river {v}.", "The river {v} runs through {s}."],
              ["On which river does {s} lie?", "Which river runs through {s}?"],
              "{s} lies on the river {v}."),
    Attribute("founded", number(1100, 1890),
              ["{s} was founded in {v}.", "The founding year of {s} is {v}."],
              ["When was {s} founded?", "In which year was {s} founded?"],
              "{s} was founded in {v}."),
], ["Register of towns", "A guide to the valley", "Towns near {t}", "County survey"])

PERSON = Kind("person", names.person, "That same person", [
    Attribute("work", one_of(names.TRADES),
              ["{s} works as a {v}.", "{s} is a {v}.", "{s} earns a living as a {v}."],
              ["What does {s} do for a living?", "What is the trade of {s}?", "What work does {s} do?"],
              "{s} works as a {v}.",
              ["Who works as a {v}?", "Who is the {v}?"]),
    Attribute("home", names.town,
              ["{s} lives in {v}.", "{s} has a house in {v}.", "The home of {s} is in {v}."],
              ["Where does {s} live?", "In which town does {s} live?", "Where is the home of {s}?"],
              "{s} lives in {v}."),
    Attribute("pet", one_of(names.ANIMALS),
              ["{s} keeps a {v}.", "{s} owns a {v}.", "{s} is never seen without a {v}."],
              ["What animal does {s} keep?", "Which animal does {s} own?", "What pet does {s} have?"],
              "{s} keeps a {v}.",
              ["Who keeps a {v}?", "Who owns a {v}?"]),
    Attribute("age", number(18, 95),
              ["{s} is {v} years old.", "The age of {s} is {v}."],
              ["How old is {s}?", "What is the age of {s}?"],
              "{s} is {v} years old."),
    Attribute("colour", one_of(names.COLOURS),
              ["{s} wears a {v} coat.", "The coat of {s} is {v}."],
              ["What colour is the coat of {s}?", "Which coat does {s} wear?"],
              "The coat of {s} is {v}."),
], ["People of {t}", "Census notes", "Who lives in {t}", "The parish book"])

LEDGER = Kind("ledger", names.person, "The same buyer", [
    Attribute("item", one_of(names.ITEMS),
              ["{s} bought {v}.", "{s} took home {v}.", "Sold to {s}: {v}."],
              ["What did {s} buy?", "What was sold to {s}?", "Which goods did {s} buy?"],
              "{s} bought {v}.",
              ["Who bought {v}?", "Who took home {v}?"]),
    Attribute("paid", number(2, 400),
              ["{s} paid {v} coins.", "The bill of {s} came to {v} coins.", "Received from {s}: {v} coins."],
              ["How much did {s} pay?", "How many coins did {s} pay?", "What did {s} pay?"],
              "{s} paid {v} coins."),
    Attribute("owes", number(2, 400),
              ["{s} still owes {v} coins.", "Still owed by {s}: {v} coins."],
              ["How much does {s} owe?", "How many coins does {s} still owe?"],
              "{s} owes {v} coins."),
], ["Ledger of the shop in {t}", "Ledger", "Accounts for the week", "Day book of {t}"])

LOG = Kind("log", names.clock, "", [
    Attribute("event", one_of(names.EVENTS),
              ["{s} {v}.", "{s} - {v}.", "At {s}: {v}."],
              ["What happened at {s}?", "What does the log say for {s}?", "What was noted at {s}?"],
              "At {s}: {v}.",
              ["At what time was this noted: {v}?", "When was it noted: {v}?"]),
], ["Log of the lighthouse", "Watch log", "Log of the station at {t}", "Keeper's log"])

NOTICE = Kind("notice", names.place, "", [
    Attribute("code", number(1000, 9999),
              ["The code of the {s} is {v}.", "To open the {s}, use the code {v}.", "The {s} opens with {v}."],
              ["What is the code of the {s}?", "Which code opens the {s}?", "How do I open the {s}?"],
              "The code of the {s} is {v}."),
    Attribute("keeper", names.person,
              ["The key of the {s} is with {v}.", "{v} keeps the key of the {s}.", "The {s} is kept by {v}."],
              ["Who has the key of the {s}?", "Who keeps the {s}?"],
              "The key of the {s} is with {v}."),
], ["Notice", "Notice to all staff", "House rules", "Instructions for the night watch"])

KINDS = [SHIP, TOWN, PERSON, LEDGER, LOG, NOTICE]
NOT_STATED = "The document does not say."
