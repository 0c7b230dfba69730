import ApusCore
import Foundation

/// A line that begins with a slash: it is for the program and not for the model.
package struct SlashCommand: Sendable {
  enum Argument {
    case none
    case optional(String)
    case required(String)
  }

  /// Gets what stands behind the name.
  typealias Action = @Sendable (inout ChatSession, _ argument: String?) async throws -> Void

  package let name: String
  package let help: String
  private let aliases: [String]
  private let argument: Argument
  private let action: Action

  /// All commands, as `/help` lists them; to add one is a line here and, in `Commands/`, what it does.
  package static let all: [SlashCommand] = [
    .clear, .system, .undo, .regenerate, .set, .save, .load, .exit, .helpCommand,
  ]

  init(
    _ name: String, _ argument: Argument = .none, help: String, aliases: [String] = [],
    action: @escaping Action
  ) {
    self.name = name
    self.argument = argument
    self.help = help
    self.aliases = aliases
    self.action = action
  }

  /// How the command is written.
  package var usage: String {
    switch argument {
    case .none: name
    case .optional(let what): "\(name) [\(what)]"
    case .required(let what): "\(name) \(what)"
    }
  }

  /// Runs a line; throws `CatalogError`, `ChatError` and what the command throws.
  package static func run(_ line: String, in session: inout ChatSession) async throws {
    let name = String(line.prefix { !$0.isWhitespace })
    guard let command = all.first(where: { $0.name == name || $0.aliases.contains(name) }) else {
      throw CatalogError.unknownName(kind: "command", name: name, valid: all.map(\.name))
    }
    let rest = line.dropFirst(name.count).trimmingCharacters(in: .whitespaces)
    let argument = rest.isEmpty ? nil : rest
    switch command.argument {
    case .none where argument != nil: throw ChatError.unexpectedArgument(usage: command.usage)
    case .required where argument == nil: throw ChatError.missingArgument(usage: command.usage)
    default: try await command.action(&session, argument)
    }
  }
}
