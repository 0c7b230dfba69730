import ApusCore
import Foundation

/// A conversation under way: what each line of the user does.
package struct ChatSession {
  /// Answers the last of the messages, printing as it comes; returns the answer, cut if the user stopped it.
  package typealias Answerer = (_ messages: [JSONValue], ChatSettings) async throws -> String

  package var conversation: Transcript
  package var settings: ChatSettings
  /// Whether the user has left.
  package var isOver = false
  private let answer: Answerer
  private let show: (String) -> Void
  private let quiet: Bool

  /// - Parameter show: prints a line for people.
  package init(
    _ conversation: Transcript = Transcript(), settings: ChatSettings, quiet: Bool = false,
    show: @escaping (String) -> Void, answer: @escaping Answerer
  ) {
    self.conversation = conversation
    self.settings = settings
    self.quiet = quiet
    self.show = show
    self.answer = answer
  }

  /// Answers a question or runs a command; throws what these throw, and then nothing has changed.
  package mutating func handle(_ line: String) async throws {
    let text = line.trimmingCharacters(in: .whitespaces)
    if text.hasPrefix("/") {
      try await SlashCommand.run(text, in: &self)
    } else if !text.isEmpty {
      try await ask(line)
    }
  }

  /// Asks, and keeps the question with its answer.
  package mutating func ask(_ question: String) async throws {
    let answer = try await answer(conversation.messages(asking: question), settings)
    conversation.turns.append(Transcript.Turn(question: question, answer: answer))
  }

  /// Prints what the user asked to see.
  func list(_ lines: [String]) { show(lines.joined(separator: "\n")) }

  /// Says what a command has done.
  func confirm(_ text: String) { if !quiet { show(text) } }
}
