import Apus
import ApusCore
import ArgumentParser
import Foundation

struct ChatCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat", abstract: "A conversation on the terminal.",
    discussion: """
      Ctrl-C stops an answer, Ctrl-D or /exit ends the program, /help lists the commands. A terminal shows Markdown in \
      styles, unless NO_COLOR is set. When standard input is no terminal, each line is a turn or a command, and only \
      answers are printed.

      EXAMPLE
        apus chat -m model.gguf --system "Be brief."
      """)

  @Option(help: ArgumentHelp("The system's turn.", valueName: "text"))
  var system: String?

  @OptionGroup var settings: ChatSettings
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup var global: GlobalOptions

  func run() async throws {
    let language = try model.load(engine.singleSequence, quiet: global.quiet)
    let interrupts = Interrupts()
    var session = ChatSession(
      Transcript(system: system), settings: settings, quiet: global.quiet, show: Output.note
    ) { messages, settings in
      try await answer(messages, settings, language, interrupts)
    }
    let isInteractive = Output.inputIsTerminal
    if isInteractive, !global.quiet { Output.note("\(model.model); /help lists the commands") }
    while !session.isOver, let line = try await read(isInteractive) {
      do {
        try await session.handle(line)
      } catch {
        // One turn that fails, such as one that is too long, does not end the conversation of a person.
        guard isInteractive else { throw error }
        Output.note("error: " + ErrorReport.line(of: error))
      }
    }
    if isInteractive, !session.isOver { try Output.line("") }
  }

  private func answer(
    _ messages: [JSONValue], _ settings: ChatSettings, _ language: LanguageModel,
    _ interrupts: Interrupts
  ) async throws -> String {
    var request = try TextRequest(messages: messages, for: language)
    settings.apply(to: &request)
    let stream = language.generate(request)
    let printer = AnswerPrinter(isSilent: false, quiet: global.quiet, isMarkdown: true)
    let answer = try await interrupts.value(of: Task { try await printer.print(stream) })
    try Output.line("")
    return answer.text
  }

  /// The next line, read on a thread of its own because that blocks.
  private func read(_ isInteractive: Bool) async throws -> String? {
    if isInteractive { try Output.write("> ") }
    return await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: readLine()) }
    }
  }
}
