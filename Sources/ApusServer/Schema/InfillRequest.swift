import Apus
import ApusCore
import ApusText

/// A text to be written between two others.
struct InfillPrompt: Sendable {
  /// Another file that the model may look at.
  struct Extra: Sendable {
    let name: String
    let text: String
  }

  var extras: [Extra] = []
  let prefix: String
  let suffix: String
  /// How the middle begins.
  var start = ""

  init(prefix: String, suffix: String) {
    self.prefix = prefix
    self.suffix = suffix
  }

  /// From `input_prefix`, `input_suffix`, `input_extra` and `prompt`, as llama-server has them.
  init(_ fields: FieldReader) throws {
    for name in ["input_prefix", "input_suffix"] where !fields.has(name) {
      throw fields.invalid(name, "is missing")
    }
    prefix = try fields.string("input_prefix") ?? ""
    suffix = try fields.string("input_suffix") ?? ""
    start = try fields.string("prompt") ?? ""
    extras = try (fields.array("input_extra") ?? []).enumerated().map { index, value in
      let nested = try fields.element(value, "input_extra", index)
      let text = try nested.required("text")
      return Extra(name: try nested.string("filename") ?? "tmp", text: text)
    }
  }

  var byteCount: Int {
    extras.reduce(prefix.utf8.count + suffix.utf8.count) { $0 + $1.text.utf8.count }
  }

  /// The prompt as llama-server lays it out; throws if the model has no tokens for it, which `field` asks for.
  func tokens(_ tokenizer: Tokenizer, field: String) throws -> [TokenID] {
    guard let marks = tokenizer.fillInMiddle else {
      throw RequestError.unsupported(
        parameter: field,
        "'\(field)' is not supported: this model has no fill-in-the-middle tokens")
    }
    func encode(_ text: String) -> [TokenID] {
      tokenizer.encode(text, addSpecialTokens: false, parseSpecialTokens: false)
    }
    var tokens: [TokenID] = tokenizer.addsBOS ? tokenizer.bosToken.map { [$0] } ?? [] : []
    if let mark = marks.repository, !extras.isEmpty { tokens += [mark] + encode("myproject\n") }
    for extra in extras {
      if let mark = marks.file {
        tokens += [mark] + encode("\(extra.name)\n\(extra.text)")
      } else {
        tokens += encode("\n\n--- snippet ---\n\n\(extra.text)")
      }
    }
    if let mark = marks.file, !extras.isEmpty { tokens += [mark] + encode("filename\n") }
    tokens += [marks.prefix] + encode(prefix)
    tokens += [marks.suffix] + encode(suffix)
    return tokens + [marks.middle] + encode(start)
  }
}
