import Apus
import ApusCore
import ApusText
import ArgumentParser
import Foundation

struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize", abstract: "Shows the tokens of a text.",
    discussion: """
      Only the model's tokenizer is loaded. --jsonl reads one JSON string a line and prints one array of ids a line.

      EXAMPLES
        apus tokenize "Hello, world"
        apus tokenize --ids -f prompt.txt -m model.gguf
      """)

  @Argument(help: ArgumentHelp("The text; - reads standard input.", valueName: "text"))
  var text: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("A file with the text.", valueName: "file"))
  var file: String?

  @Option(
    help: ArgumentHelp(
      "A file with one JSON string a line; - reads standard input.", valueName: "file"))
  var jsonl: String?

  @Flag(help: "Print the ids only, as one list.")
  var ids = false

  @Flag(help: #"Print {"ids": […], "pieces": […]}."#)
  var json = false

  @Flag(help: "Add no token at the beginning or end.")
  var noBos = false

  @Flag(help: "Take special tokens in the text as plain text.")
  var noParseSpecial = false

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup var global: GlobalOptions

  func run() throws {
    guard [text, file, jsonl].count(where: { $0 != nil }) == 1 else {
      throw ValidationError("give one of TEXT, -f FILE and --jsonl FILE")
    }
    if let jsonl { return try tokenizeLines(jsonl) }
    let text = try file.map(TextInput.read) ?? (text == "-" ? TextInput.read("-") : text ?? "")
    let tokenizer = try model.text(quiet: global.quiet).tokenizer
    let tokens = encode(text, tokenizer)
    if json {
      try Output.json(TokenListing.json(tokens, tokenizer))
    } else if ids {
      try Output.line("[" + tokens.map(String.init).joined(separator: ", ") + "]")
    } else {
      try Output.write(TokenListing.lines(tokens, tokenizer))
    }
  }

  private func encode(_ text: String, _ tokenizer: Tokenizer) -> [TokenID] {
    tokenizer.encode(text, addSpecialTokens: !noBos, parseSpecialTokens: !noParseSpecial)
  }

  private func tokenizeLines(_ path: String) throws {
    let lines = try TextInput.read(path).utf8.split(separator: UInt8(ascii: "\n"))
    let tokenizer = try model.text(quiet: global.quiet).tokenizer
    let bar = ProgressBar("tokenizing", quiet: global.quiet)
    defer { bar.finish() }
    var output = ""
    for (index, line) in lines.enumerated() {
      guard let text = (try? JSONValue(parsing: Array(line)))?.stringValue else {
        throw CommandError.malformed(path: path, line: index + 1, reason: "it is no JSON string")
      }
      output += "[" + encode(text, tokenizer).map(String.init).joined(separator: ",") + "]\n"
      if output.utf8.count > 1 << 16 {
        try Output.write(output)
        output = ""
      }
      bar.update(index, of: lines.count)
    }
    try Output.write(output)
  }
}

/// Tokens with their vocabulary entries.
enum TokenListing {
  static func json(_ tokens: [TokenID], _ tokenizer: Tokenizer) -> JSONValue {
    [
      "ids": .array(tokens.map { .integer(Int64($0)) }),
      "pieces": .array(tokens.map { .string(tokenizer.piece($0) ?? "") }),
    ]
  }

  /// One line a token: `  1234 -> ' piece'`.
  static func lines(_ tokens: [TokenID], _ tokenizer: Tokenizer) -> String {
    tokens.map { token in
      let number = String(token)
      let padding = String(repeating: " ", count: max(0, 6 - number.count))
      let text = String(decoding: tokenizer.bytes(of: token), as: UTF8.self)
      let shown = text.isEmpty ? tokenizer.piece(token) ?? "" : text
      return "\(padding)\(number) -> '\(shown.replacingOccurrences(of: "\n", with: "\\n"))'\n"
    }.joined()
  }
}
