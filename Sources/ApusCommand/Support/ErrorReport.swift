import ApusCore
import ApusEngine
import ArgumentParser
import Foundation

/// What a failed command says and exits with: 1 when it failed while running, 64 when it was used wrongly.
struct ErrorReport {
  private let error: any Error
  private let expansion: Settings.Expansion

  init(_ error: any Error, _ expansion: Settings.Expansion) {
    self.error = error
    self.expansion = expansion
  }

  func exit() -> Never {
    let status = RootCommand.exitCode(for: error)
    if status == .success || error is ExitCode { RootCommand.exit(withError: error) }
    Output.note("error: " + Self.line(message(status)))
    Foundation.exit(status == .validationFailure ? status.rawValue : 1)
  }

  private func message(_ status: ExitCode) -> String {
    if status == .validationFailure {
      return usageMessage
    }
    let text = Self.text(of: error)
    return Self.advice(error).map { "\(text); \($0)" } ?? text
  }

  /// What the parser says, where the value came from if not from the command line, and where to read on.
  private var usageMessage: String {
    let message = RootCommand.message(for: error)
    let source = expansion.sources.first { flag, _ in
      message.contains("'\(flag)'") || message.contains("'\(flag) ")
    }
    let words = expansion.arguments.prefix { !$0.hasPrefix("-") }
    let command = RootCommand.configuration.subcommands.first {
      $0.configuration.commandName == words.first
    }
    let name = command?.configuration.commandName.map { $0 + " " } ?? ""
    return message + (source.map { " (from \($0.value))" } ?? "") + "; see apus \(name)--help"
  }

  /// What to do about errors that do not say it themselves.
  private static func advice(_ error: any Error) -> String? {
    switch error as? EngineError {
    case .promptTooLong: "shorten the prompt or raise --ctx-size"
    case .emptyPrompt: "give a text"
    case .invalidContextLength: "give --ctx-size a positive number"
    case .modelTooLarge: "close other programs or use a smaller model"
    default: nil
    }
  }

  /// Types of this project describe themselves; those of Foundation do it under another name.
  static func text(of error: any Error) -> String {
    error is CocoaError || type(of: error) is NSError.Type
      ? error.localizedDescription : "\(error)"
  }

  /// The same in one line.
  static func line(of error: any Error) -> String { line(text(of: error)) }

  private static func line(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }
}

/// Why a command cannot go on.
package enum CommandError: Error, Equatable, CustomStringConvertible {
  case cannotRead(path: String, reason: String)
  case cannotWrite(path: String, reason: String)
  case notUTF8(path: String, offset: Int)
  case malformed(path: String, line: Int, reason: String)
  case noConversation(path: String, reason: String)
  case cannotListen(address: String, reason: String)

  package var description: String {
    switch self {
    case .cannotRead(let path, let reason): "cannot read \(path): \(reason)"
    case .cannotWrite(let path, let reason): "cannot write \(path): \(reason)"
    case .notUTF8(let path, let offset):
      "\(path) is not UTF-8 text (first wrong byte at offset \(offset)); convert it, for example with iconv"
    case .malformed(let path, let line, let reason): "\(path), line \(line): \(reason)"
    case .noConversation(let path, let reason): "\(path) is no conversation: \(reason)"
    case .cannotListen(let address, let reason):
      "cannot listen on \(address): \(reason); choose another --host or --port"
    }
  }
}
