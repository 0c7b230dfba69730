import Apus
import ApusCore
import ArgumentParser

struct AskCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ask", abstract: "Answers a question from documents.",
    discussion: """
      The model reads the documents and the question as one turn. Several documents are numbered and have the names of \
      their files. The question stands behind the documents, or before -d.

      EXAMPLES
        apus ask -d Examples/harbour.txt "What cargo did the Marigold carry?"
        apus ask "Where does Clara Reeve live?" -d Examples/parish.txt Examples/ledger.txt
      """)

  @Option(
    name: [.customShort("d"), .customLong("document")], parsing: .upToNextOption,
    help: ArgumentHelp("Files to answer from.", valueName: "file"))
  var documents: [String] = []

  @Argument(help: "The question.")
  var question: String?

  @Option(
    name: [.customShort("n"), .customLong("n-predict"), .customLong("max-tokens")],
    help: ArgumentHelp("Tokens the answer may have.", valueName: "n"))
  var predict = 256

  @Flag(help: "Print one object: text, tokens, timings, finish_reason.")
  var json = false

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup var global: GlobalOptions

  mutating func validate() throws {
    try EngineOptions.check("-n", predict, atLeast: 1)
    // -d takes all words behind it; the last is the question unless that stands elsewhere.
    if question == nil, documents.count > 1 { question = documents.removeLast() }
    guard !documents.isEmpty else {
      throw ValidationError("there is no document; give -d FILE and a question")
    }
    guard let question, !question.allSatisfy(\.isWhitespace) else {
      throw ValidationError("there is no question; it stands behind -d FILE")
    }
  }

  func run() async throws {
    let texts = try documents.map { try TextInput.read($0).trimmingSuffix(while: \.isWhitespace) }
    let language = try model.load(engine.singleSequence, quiet: global.quiet || json)
    let message = Self.message(Array(zip(documents, texts)), question: question ?? "")
    var request = try TextRequest(
      messages: [["role": "user", "content": .string(message)]], for: language)
    request.generation.maxTokens = predict
    let answer = try await AnswerPrinter(
      isSilent: json, quiet: global.quiet || json, isMarkdown: true
    )
    .print(language.generate(request))
    if json {
      try Output.json(answer.json)
    } else {
      try Output.line("")
      if answer.finish?.reason == .length { Output.note(cutNote(answer, language)) }
      if !global.quiet { Output.note(answer.summary) }
    }
  }

  private func cutNote(_ answer: Answer, _ language: LanguageModel) -> String {
    answer.tokens.count >= predict
      ? "warning: the answer is cut at -n \(predict); give a larger one"
      : "warning: the answer is cut at the end of the context of \(language.engine.contextLength) tokens; shorten the documents or raise --ctx-size"
  }

  /// One document as it is; several with numbers and names.
  private static func message(_ documents: [(path: String, text: String)], question: String)
    -> String
  {
    let parts =
      documents.count == 1
      ? [documents[0].text]
      : documents.enumerated().map { index, document in
        let name = document.path.split(separator: "/").last.map(String.init) ?? document.path
        return "Document \(index + 1): \(name)\n\(document.text)"
      }
    return (parts + [question]).joined(separator: "\n\n")
  }
}
