import ApusCore
import ApusText
import Foundation
import Testing

/// Damaged templates are parsed and rendered or refused, never worse.
struct ChatTemplateFuzzTests {
  /// A small random generator with a fixed start, so that a failure comes again.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
  }

  private static let pieces = [
    "{%", "%}", "{{", "}}", "{#", "#}", "-%}", "{%-", "(", ")", "[", "]", "{", "}", "'", "\"", "\\",
    "|", ".", ",", ":",
    "~", "**", "//", " is ", " not ", " in ", " if ", " else ", " for ", "endfor", "endif", "set ",
    "macro ", "raw",
    "endraw", "loop", "namespace", "999999999", "-1", "1e999", "0x", "none", "*", "%", "\u{E9}",
    "\u{1F600}", "\u{0}",
    "\r\n", "%s", "recursive", "caller()", "range(9)", "|tojson", "|list", "[::-1]", "e\u{301}",
  ]

  @Test func damagedTemplatesAreRefusedOrRendered() throws {
    var templates: [(source: String, context: JSONObject)] = []
    for group in ChatTemplateFixtureTests.groups {
      let url = TemplateCases.fixtures.appending(path: group + ".json")
      for row in try TemplateCases.read(url).arrayValue ?? [] {
        templates.append(
          (row["template"]?.stringValue ?? "", row["context"]?.objectValue ?? JSONObject()))
      }
    }
    var generator = Generator(state: 0x9E37_79B9_7F4A_7C15)
    let rounds = Int(ProcessInfo.processInfo.environment["APUS_FUZZ_ROUNDS"] ?? "") ?? 3000
    for _ in 0..<rounds {
      let (source, context) = templates.randomElement(using: &generator) ?? ("", JSONObject())
      var bytes = Array(source.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let start = Int.random(in: 0...bytes.count, using: &generator)
        let end = min(bytes.count, start + Int.random(in: 0...6, using: &generator))
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes.removeSubrange(start..<end)
        case 1: bytes.insert(contentsOf: bytes[start..<end], at: start)
        case 2:
          let other = Array((templates.randomElement(using: &generator)?.source ?? "").utf8)
          bytes.insert(contentsOf: other.prefix(40), at: start)
        default:
          let piece = Self.pieces.randomElement(using: &generator) ?? ""
          bytes.replaceSubrange(start..<end, with: Array(piece.utf8))
        }
      }
      let outcome = TemplateCases.outcome(of: String(decoding: bytes, as: UTF8.self), context)
      #expect(outcome["error"] != "other")
    }
  }
}
