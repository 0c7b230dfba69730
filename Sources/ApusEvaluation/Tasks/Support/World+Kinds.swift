import ApusCore

/// The kinds of things and what they have.
extension World {
  static let ship = WorldKind(
    key: "ship", subject: { $0.ship() },
    titles: [
      "Harbour report", "Harbour log of {t}", "Arrivals at {t}", "Notes of the harbour master",
    ],
    attributes: [
      WorldAttribute(
        key: "cargo", value: { $0.pick(WordLists.cargoes) },
        says: [
          "The {s} carried {v}.", "The {s} carried a cargo of {v}.", "The {s} was loaded with {v}.",
          "The {s} came in with {v} in her hold.", "Aboard the {s} was a cargo of {v}.",
        ],
        asks: [
          "What cargo did the {s} carry?", "What was the {s} carrying?",
          "Which cargo was aboard the {s}?", "What did the {s} carry?",
          "What was the cargo of the {s}?",
        ],
        answer: "The {s} carried {v}."),
      WorldAttribute(
        key: "captain", value: { $0.person() },
        says: [
          "The {s} sailed under Captain {v}.", "The captain of the {s} was {v}.",
          "The {s} was commanded by {v}.",
        ],
        asks: [
          "Who was the captain of the {s}?", "Who commanded the {s}?",
          "Under which captain did the {s} sail?",
        ],
        answer: "The captain of the {s} was {v}."),
      WorldAttribute(
        key: "port", value: { $0.town() },
        says: [
          "The home port of the {s} is {v}.", "The {s} is registered at {v}.",
          "The {s} belongs to {v}.",
        ],
        asks: [
          "What is the home port of the {s}?", "Where is the {s} registered?",
          "Which port does the {s} belong to?",
        ],
        answer: "The home port of the {s} is {v}."),
      WorldAttribute(
        key: "day", value: { $0.pick(WordLists.days) },
        says: [
          "The {s} arrived on {v}.", "The {s} came into the harbour on {v}.",
          "The {s} was sighted on {v}.",
        ],
        asks: [
          "On which day did the {s} arrive?", "When did the {s} arrive?",
          "What day did the {s} come in?",
        ],
        answer: "The {s} arrived on {v}."),
      WorldAttribute(
        key: "pier", value: { "\($0.number(in: 1...40))" },
        says: [
          "The {s} lay at pier {v}.", "The {s} was sent to pier {v}.",
          "The {s} made fast at pier {v}.",
        ],
        asks: [
          "At which pier did the {s} lie?", "Where did the {s} moor?",
          "What was the pier of the {s}?",
        ],
        answer: "The {s} lay at pier {v}."),
      WorldAttribute(
        key: "crew", value: { "\($0.number(in: 5...90))" },
        says: ["The {s} had a crew of {v}.", "The {s} sailed with {v} hands."],
        asks: [
          "How many people were in the crew of the {s}?", "How large was the crew of the {s}?",
        ],
        answer: "The {s} had a crew of {v}."),
    ])

  static let town = WorldKind(
    key: "town", subject: { $0.town() },
    titles: ["Register of towns", "A guide to the valley", "Towns near {t}", "County survey"],
    attributes: [
      WorldAttribute(
        key: "mayor", value: { $0.person() },
        says: [
          "The mayor of {s} is {v}.", "{s} elected {v} as its mayor.", "{s} is led by mayor {v}.",
        ],
        asks: ["Who is the mayor of {s}?", "Who leads {s}?", "Which mayor does {s} have?"],
        answer: "The mayor of {s} is {v}."),
      WorldAttribute(
        key: "population", value: { "\($0.number(in: 120...9900))" },
        says: [
          "{s} has {v} inhabitants.", "The population of {s} is {v}.", "{s} is home to {v} people.",
        ],
        asks: [
          "How many people live in {s}?", "What is the population of {s}?",
          "How many inhabitants has {s}?",
        ],
        answer: "{s} has {v} inhabitants."),
      WorldAttribute(
        key: "trade", value: { $0.pick(WordLists.cargoes) },
        says: ["{s} is known for its {v}.", "{s} lives from {v}.", "Traders come to {s} for {v}."],
        asks: ["What is {s} known for?", "What does {s} trade in?", "What do traders buy in {s}?"],
        answer: "{s} is known for its {v}."),
      WorldAttribute(
        key: "river", value: { $0.pick(WordLists.rivers) },
        says: ["{s} lies on the river {v}.", "The river {v} runs through {s}."],
        asks: ["On which river does {s} lie?", "Which river runs through {s}?"],
        answer: "{s} lies on the river {v}."),
      WorldAttribute(
        key: "founded", value: { "\($0.number(in: 1100...1890))" },
        says: ["{s} was founded in {v}.", "The founding year of {s} is {v}."],
        asks: ["When was {s} founded?", "In which year was {s} founded?"],
        answer: "{s} was founded in {v}."),
    ])

  static let person = WorldKind(
    key: "person", subject: { $0.person() },
    titles: ["People of {t}", "Census notes", "Who lives in {t}", "The parish book"],
    attributes: [
      WorldAttribute(
        key: "work", value: { $0.pick(WordLists.trades) },
        says: ["{s} works as a {v}.", "{s} is a {v}.", "{s} earns a living as a {v}."],
        asks: [
          "What does {s} do for a living?", "What is the trade of {s}?", "What work does {s} do?",
        ],
        answer: "{s} works as a {v}."),
      WorldAttribute(
        key: "home", value: { $0.town() },
        says: ["{s} lives in {v}.", "{s} has a house in {v}.", "The home of {s} is in {v}."],
        asks: [
          "Where does {s} live?", "In which town does {s} live?", "Where is the home of {s}?",
        ],
        answer: "{s} lives in {v}."),
      WorldAttribute(
        key: "pet", value: { $0.pick(WordLists.animals) },
        says: ["{s} keeps a {v}.", "{s} owns a {v}.", "{s} is never seen without a {v}."],
        asks: [
          "What animal does {s} keep?", "Which animal does {s} own?", "What pet does {s} have?",
        ],
        answer: "{s} keeps a {v}."),
      WorldAttribute(
        key: "age", value: { "\($0.number(in: 18...95))" },
        says: ["{s} is {v} years old.", "The age of {s} is {v}."],
        asks: ["How old is {s}?", "What is the age of {s}?"],
        answer: "{s} is {v} years old."),
      WorldAttribute(
        key: "colour", value: { $0.pick(WordLists.colours) },
        says: ["{s} wears a {v} coat.", "The coat of {s} is {v}."],
        asks: ["What colour is the coat of {s}?", "Which coat does {s} wear?"],
        answer: "The coat of {s} is {v}."),
    ])

  static let ledger = WorldKind(
    key: "ledger", subject: { $0.person() },
    titles: ["Ledger of the shop in {t}", "Ledger", "Accounts for the week", "Day book of {t}"],
    attributes: [
      WorldAttribute(
        key: "item", value: { $0.pick(WordLists.items) },
        says: ["{s} bought {v}.", "{s} took home {v}.", "Sold to {s}: {v}."],
        asks: ["What did {s} buy?", "What was sold to {s}?", "Which goods did {s} buy?"],
        answer: "{s} bought {v}."),
      WorldAttribute(
        key: "paid", value: { "\($0.number(in: 2...400))" },
        says: [
          "{s} paid {v} coins.", "The bill of {s} came to {v} coins.",
          "Received from {s}: {v} coins.",
        ],
        asks: ["How much did {s} pay?", "How many coins did {s} pay?", "What did {s} pay?"],
        answer: "{s} paid {v} coins."),
      WorldAttribute(
        key: "owes", value: { "\($0.number(in: 2...400))" },
        says: ["{s} still owes {v} coins.", "Still owed by {s}: {v} coins."],
        asks: ["How much does {s} owe?", "How many coins does {s} still owe?"],
        answer: "{s} owes {v} coins."),
    ])

  static let notice = WorldKind(
    key: "notice", subject: { $0.pick(WordLists.roomKinds) + " " + $0.pick(WordLists.rooms) },
    titles: ["Notice", "Notice to all staff", "House rules", "Instructions for the night watch"],
    attributes: [
      WorldAttribute(
        key: "code", value: { "\($0.number(in: 1000...9999))" },
        says: [
          "The code of the {s} is {v}.", "To open the {s}, use the code {v}.",
          "The {s} opens with {v}.",
        ],
        asks: [
          "What is the code of the {s}?", "Which code opens the {s}?", "How do I open the {s}?",
        ],
        answer: "The code of the {s} is {v}."),
      WorldAttribute(
        key: "keeper", value: { $0.person() },
        says: [
          "The key of the {s} is with {v}.", "{v} keeps the key of the {s}.",
          "The {s} is kept by {v}.",
        ],
        asks: ["Who has the key of the {s}?", "Who keeps the {s}?"],
        answer: "The key of the {s} is with {v}."),
    ])
}
