import Apus
import ApusCore
import ArgumentParser
import Foundation

struct ChatCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat", abstract: "A conversation on the terminal.",
    discussion: """
      Ctrl-C stops an answer, Ctrl-D or /exit ends the program, /help lists the commands. When standard input is no \
      terminal, each line is a turn and only the answers are printed.

      EXAMPLE
        apus chat -m model.gguf --system "Be brief."
      """)

  @Option(help: ArgumentHelp("The system's turn.", valueName: "text"))
  var system: String?

  @Option(
    name: [.customShort("n"), .customLong("n-predict"), .customLong("max-tokens")],
    help: ArgumentHelp("At most so many tokens an answer; -1 means no limit.", valueName: "n"))
  var predict = -1

  @OptionGroup(title: "Sampling") var sampling: SamplingOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup var global: GlobalOptions

  mutating func validate() throws { try EngineOptions.check("-n", predict, atLeast: -1) }

  func run() async throws {
    let language = try model.load(engine.singleSequence, quiet: global.quiet)
    var conversation = Conversation(
      language: language, sampling: sampling, maxTokens: predict < 0 ? nil : predict,
      system: system)
    let interrupts = Interrupts()
    let isInteractive = Output.inputIsTerminal
    if isInteractive, !global.quiet { Output.note("\(model.model); /help lists the commands") }
    while let line = try await read(isInteractive) {
      do {
        guard try await conversation.handle(line, interrupts) else { return }
      } catch {
        // One turn that fails, such as one that is too long, does not end the conversation of a person.
        guard isInteractive else { throw error }
        Output.note("error: " + ErrorReport.text(of: error))
      }
    }
    if isInteractive { try Output.line("") }
  }

  /// The next line, read on a thread of its own because that blocks.
  private func read(_ isInteractive: Bool) async throws -> String? {
    if isInteractive { try Output.write("> ") }
    return await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: readLine()) }
    }
  }
}

/// The turns so far, and what a line from the user does.
private struct Conversation {
  let language: LanguageModel
  let sampling: SamplingOptions
  let maxTokens: Int?
  var system: String?
  private var turns: [JSONValue] = []

  init(language: LanguageModel, sampling: SamplingOptions, maxTokens: Int?, system: String?) {
    self.language = language
    self.sampling = sampling
    self.maxTokens = maxTokens
    self.system = system
  }

  private static let help = """
    /clear          forget the conversation
    /system TEXT    set the system's turn, or remove it, and start over
    /exit           end the program (also Ctrl-D)
    /help           this list
    Ctrl-C          stop the answer
    """

  /// Returns false when the user wants to leave.
  mutating func handle(_ line: String, _ interrupts: Interrupts) async throws -> Bool {
    let text = line.trimmingCharacters(in: .whitespaces)
    guard text.hasPrefix("/") else {
      if !text.isEmpty { try await answer(line, interrupts) }
      return true
    }
    let parts = text.split(separator: " ", maxSplits: 1)
    switch parts.first {
    case "/exit", "/quit": return false
    case "/clear": turns = []
    case "/system":
      system = parts.count > 1 ? String(parts[1]) : nil
      turns = []
    case "/help": Output.note(Self.help)
    default: Output.note("there is no command \(parts.first ?? "/"); /help lists them")
    }
    return true
  }

  private mutating func answer(_ question: String, _ interrupts: Interrupts) async throws {
    let user: JSONValue = ["role": "user", "content": .string(question)]
    var messages = turns + [user]
    if let system { messages.insert(["role": "system", "content": .string(system)], at: 0) }
    let prompt = try language.prompt(messages: messages)
    var request = TextRequest(prompt: language.tokens(ofRenderedPrompt: prompt))
    request.generation.sampling = sampling.parameters
    request.generation.maxTokens = maxTokens
    request.stopStrings = sampling.stop
    let stream = language.generate(request)
    let task = Task { try await AnswerPrinter(isSilent: false, quiet: true).print(stream) }
    let answer = try await interrupts.value(of: task)
    try Output.line("")
    turns += [user, ["role": "assistant", "content": .string(answer.text)]]
  }
}
