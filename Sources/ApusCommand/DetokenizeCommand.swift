import Apus
import ApusCore
import ArgumentParser

struct DetokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detokenize", abstract: "Turns token ids back into text.",
    discussion: """
      Ids are separated by spaces or commas; brackets are left out.

      EXAMPLE
        apus detokenize 15 27 301
      """)

  @Argument(help: ArgumentHelp("Token ids; - reads them from standard input.", valueName: "ids"))
  var ids: [String]

  @Flag(help: "Leave special tokens out of the text.")
  var skipSpecial = false

  @Flag(help: #"Print {"ids": […], "pieces": […], "text": …}."#)
  var json = false

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup var global: GlobalOptions

  func run() throws {
    let text = ids == ["-"] ? try TextInput.read("-") : ids.joined(separator: " ")
    let words = text.split { $0.isWhitespace || ",[]".contains($0) }
    let tokenizer = try model.text(quiet: global.quiet).tokenizer
    let tokens = try words.map { word in
      guard let id = TokenID(word), id >= 0, Int(id) < tokenizer.vocabularySize else {
        throw ValidationError(
          "'\(word)' is no token id; the model's are 0 to \(tokenizer.vocabularySize - 1)")
      }
      return id
    }
    let decoded = tokenizer.decode(tokens, skipSpecialTokens: skipSpecial)
    if json {
      var object = TokenListing.json(tokens, tokenizer).objectValue ?? JSONObject()
      object["text"] = .string(decoded)
      try Output.json(.object(object))
    } else {
      try Output.line(decoded)
    }
  }
}
