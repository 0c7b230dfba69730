import Apus
import ApusCore
import ApusEngine
import ArgumentParser

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Continues one prompt.",
    discussion: """
      The prompt is raw text unless --chat wraps it in the model's chat template. A file and a prompt together are \
      joined with an empty line between them.

      EXAMPLES
        apus run -p "Once upon a time" -n 64
        apus run --chat -f report.txt -p "Who wrote it?"
        cat prompt.txt | apus run - --json
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("The prompt.", valueName: "text"))
  var prompt: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("A file with the prompt.", valueName: "file"))
  var file: String?

  @Argument(help: ArgumentHelp("- reads the prompt from standard input.", valueName: "-"))
  var source: String?

  @Option(
    name: [.customShort("n"), .customLong("n-predict"), .customLong("max-tokens")],
    help: ArgumentHelp(
      "At most so many tokens; -1 means until the context is full.", valueName: "n"))
  var predict = -1

  @Flag(help: "Go on to the limit, whatever the model says.")
  var ignoreEos = false

  @Flag(help: "Wrap the prompt in the chat template, as the user's turn.")
  var chat = false

  @Option(help: ArgumentHelp("The system's turn; implies --chat.", valueName: "text"))
  var system: String?

  @Flag(
    help:
      "Print one object: text, tokens, timings, finish_reason; methods and kv if the answer is approximate."
  )
  var json = false

  @OptionGroup(title: "Sampling") var sampling: SamplingOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup var global: GlobalOptions

  mutating func validate() throws { try EngineOptions.check("-n", predict, atLeast: -1) }

  func run() async throws {
    let text = try promptText()
    let language = try model.load(engine.singleSequence, quiet: global.quiet || json)
    var request = TextRequest(prompt: try tokens(of: text, language))
    request.generation.sampling = sampling.parameters
    request.generation.maxTokens = predict < 0 ? nil : predict
    request.stopStrings = sampling.stop
    request.ignoreEndOfText = ignoreEos
    let answer = try await AnswerPrinter(isSilent: json, quiet: global.quiet || json)
      .print(language.generate(request))
    if json {
      try Output.json(answer.json)
    } else {
      try Output.line("")
      if !global.quiet { Output.note(answer.summary) }
    }
  }

  /// Checked here and not in `validate`, so that an unknown flag is reported before the word behind it.
  private func promptText() throws -> String {
    guard source == nil || source == "-" else {
      throw ValidationError("'\(source ?? "")' is no flag; give the prompt as -p TEXT")
    }
    guard source == nil || file == nil else {
      throw ValidationError("-f and - both give a text; leave one out")
    }
    guard prompt != nil || file != nil || source != nil else {
      throw ValidationError("there is no prompt; give -p TEXT, -f FILE or - for standard input")
    }
    guard let path = file ?? source else { return prompt ?? "" }
    let text = try TextInput.read(path)
    guard let prompt else { return text }
    return text.trimmingSuffix(while: \.isWhitespace) + "\n\n" + prompt
  }

  private func tokens(of text: String, _ language: LanguageModel) throws -> [TokenID] {
    guard chat || system != nil else { return language.tokenizer.encode(text) }
    var messages: [JSONValue] = [["role": "user", "content": .string(text)]]
    if let system { messages.insert(["role": "system", "content": .string(system)], at: 0) }
    return language.tokens(ofRenderedPrompt: try language.prompt(messages: messages))
  }
}

extension StringProtocol {
  func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
    guard let last = lastIndex(where: { !predicate($0) }) else { return "" }
    return String(self[...last])
  }
}
