import ApusServer
import ArgumentParser
import Logging

/// What the server tells of itself.
struct LogOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "One of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "level"), transform: Self.level)
  var logLevel = ServerConfiguration().logLevel

  @Option(
    help: ArgumentHelp(
      "How lines are written: \(LogFormat.allCases.map(\.rawValue).joined(separator: " or ")).",
      valueName: "format"), transform: Self.format)
  var logFormat = ServerConfiguration().logFormat

  @Flag(help: "Log the bodies of requests, prompts among them.")
  var logPrompts = false

  /// Puts the options in.
  func apply(to configuration: inout ServerConfiguration) {
    configuration.logLevel = logLevel
    configuration.logFormat = logFormat
    configuration.logPrompts = logPrompts
  }

  private static func level(_ text: String) throws -> Logger.Level {
    guard let level = Logger.Level(rawValue: text.lowercased()) else {
      throw ValidationError("there is no such level")
    }
    return level
  }

  private static func format(_ text: String) throws -> LogFormat {
    guard let format = LogFormat(rawValue: text.lowercased()) else {
      throw ValidationError("there is no such format")
    }
    return format
  }
}
