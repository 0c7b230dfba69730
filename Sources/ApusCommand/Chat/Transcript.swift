import ApusCore

/// What has been said: the system's turn, and questions with their answers.
package struct Transcript: Equatable, Sendable {
  package struct Turn: Equatable, Sendable {
    package var question: String
    package var answer: String

    package init(question: String, answer: String) {
      (self.question, self.answer) = (question, answer)
    }
  }

  package var system: String?
  package var turns: [Turn] = []

  package init(system: String? = nil, turns: [Turn] = []) {
    (self.system, self.turns) = (system, turns)
  }

  /// The messages as chat templates and OpenAI's API have them, with a question that has no answer yet.
  package func messages(asking question: String? = nil) -> [JSONValue] {
    func message(_ role: Role, _ text: String) -> JSONValue {
      ["role": .string(role.rawValue), "content": .string(text)]
    }
    var messages = system.map { [message(.system, $0)] } ?? []
    for turn in turns {
      messages += [message(.user, turn.question), message(.assistant, turn.answer)]
    }
    if let question { messages.append(message(.user, question)) }
    return messages
  }

  private enum Role: String, CaseIterable {
    case system, user, assistant
  }

  /// Reads what `messages()` makes; throws `TranscriptError`.
  package init(messages: [JSONValue]) throws {
    let messages = try messages.enumerated().map { try Self.read($1, place: "messages[\($0)]") }
    var rest = messages[...]
    if rest.first?.role == .system { system = rest.removeFirst().text }
    while let question = rest.popFirst() {
      let place = "messages[\(rest.startIndex - 1)]"
      guard question.role == .user else {
        throw TranscriptError(
          place, "is the \(question.role.rawValue)'s; the user's turn comes here")
      }
      guard let answer = rest.popFirst() else { throw TranscriptError(place, "has no answer") }
      guard answer.role == .assistant else {
        throw TranscriptError(
          "messages[\(rest.startIndex - 1)]",
          "is the \(answer.role.rawValue)'s; the assistant's turn comes here")
      }
      turns.append(Turn(question: question.text, answer: answer.text))
    }
  }

  private static func read(
    _ message: JSONValue, place: String
  ) throws -> (role: Role, text: String) {
    guard let object = message.objectValue else {
      throw TranscriptError(place, "is \(message.kind) and no object")
    }
    if let key = object.keys.first(where: { !["role", "content"].contains($0) }) {
      throw TranscriptError("\(place).\(key)", "is not supported")
    }
    func text(_ key: String) throws -> String {
      guard let value = object[key] else {
        throw TranscriptError("\(place).\(key)", "is missing")
      }
      guard let text = value.stringValue else {
        throw TranscriptError("\(place).\(key)", "is \(value.kind) and no string")
      }
      return text
    }
    let name = try text("role")
    guard let role = Role(rawValue: name) else {
      throw TranscriptError(
        "\(place).role",
        "is '\(name)'; valid: \(Role.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return (role, try text("content"))
  }
}

/// Why messages are no conversation.
package struct TranscriptError: Error, Equatable, CustomStringConvertible {
  package let place: String
  package let problem: String

  init(_ place: String, _ problem: String) { (self.place, self.problem) = (place, problem) }

  package var description: String { "\(place) \(problem)" }
}
