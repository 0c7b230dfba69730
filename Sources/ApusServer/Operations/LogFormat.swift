import ApusCore
import Foundation
import Logging

/// How a line of the log is written.
public enum LogFormat: String, Sendable, CaseIterable {
  /// `TIME LEVEL MESSAGE NAME=VALUE ...`
  case text
  /// One JSON object a line.
  case json

  /// One line without its end; what comes from clients cannot break it or pass for another line.
  package func line(_ event: LogEvent, _ metadata: Logger.Metadata, at time: Date) -> String {
    let stamp = time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    let fields = metadata.sorted { $0.key < $1.key }
    switch self {
    case .text:
      let words = fields.map { "\($0.key)=\(Self.word($0.value))" }
      return ([stamp, event.level.rawValue, Self.printable("\(event.message)")] + words)
        .joined(separator: " ")
    case .json:
      var object = JSONObject([
        ("time", .string(stamp)), ("level", .string(event.level.rawValue)),
        ("message", .string("\(event.message)")),
      ])
      for (name, value) in fields { object[name] = Self.json(value) }
      return JSONValue.object(object).text
    }
  }

  /// A value in a text line, quoted unless it is a word.
  private static func word(_ value: Logger.MetadataValue) -> String {
    let json = json(value)
    guard case .string(let text) = json else { return printable(json.text) }
    let isWord = !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x22 }
    return isWord ? text : printable(json.text)
  }

  private static func json(_ value: Logger.MetadataValue) -> JSONValue {
    switch value {
    case .string(let text): return .string(text)
    case .array(let values): return .array(values.map(json))
    case .dictionary(let values):
      return .object(
        JSONObject(values.sorted { $0.key < $1.key }.map { ($0.key, json($0.value)) }))
    case .stringConvertible(let value):
      switch value {
      case let number as Int: return .integer(Int64(number))
      case let number as Double: return .number(number)
      case let flag as Bool: return .bool(flag)
      default: return .string("\(value)")
      }
    }
  }

  /// The text on one line, without what a terminal acts on.
  private static func printable(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator, .format:
        result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}
