import ApusCore
import ArgumentParser

/// How tokens are chosen.
struct SamplingOptions: ParsableArguments {
  @Option(
    name: [.long, .customLong("temp")],
    help: ArgumentHelp("0 takes the likeliest token always.", valueName: "t"))
  var temperature: Float = 0

  @Option(help: ArgumentHelp("Choose among the K likeliest; 0 means all.", valueName: "k"))
  var topK = 0

  @Option(help: ArgumentHelp("Choose among the likeliest that sum to P.", valueName: "p"))
  var topP: Float = 1

  @Option(help: ArgumentHelp("Leave out what is less than P times the best.", valueName: "p"))
  var minP: Float = 0

  @Option(
    name: [.long, .customLong("typical")],
    help: ArgumentHelp("Locally typical sampling; 1 means off.", valueName: "p"))
  var typicalP: Float = 1

  @Option(
    name: [.long, .customLong("repetition-penalty")],
    help: ArgumentHelp("Divides the score of tokens that occurred; 1 means off.", valueName: "x"))
  var repeatPenalty: Float = 1

  @Option(help: ArgumentHelp("Taken from the score of tokens that occurred.", valueName: "x"))
  var presencePenalty: Float = 0

  @Option(help: ArgumentHelp("The same for each time they occurred.", valueName: "x"))
  var frequencyPenalty: Float = 0

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Makes sampling repeatable; default: a new one.", valueName: "n"))
  var seed: UInt64?

  @Option(help: ArgumentHelp("A text that ends the answer; may be repeated.", valueName: "text"))
  var stop: [String] = []

  var parameters: SamplingParameters {
    var parameters = SamplingParameters()
    parameters.temperature = temperature
    parameters.topK = topK
    parameters.topP = topP
    parameters.minP = minP
    parameters.typicalP = typicalP
    parameters.repetitionPenalty = repeatPenalty
    parameters.presencePenalty = presencePenalty
    parameters.frequencyPenalty = frequencyPenalty
    parameters.seed = seed
    return parameters
  }

  mutating func validate() throws {
    try EngineOptions.check("--top-k", topK, atLeast: 0)
    func check(_ flag: String, _ value: Float, _ range: ClosedRange<Float>) throws {
      guard range.contains(value) else {
        throw ValidationError(
          "\(flag) is \(value); it is between \(range.lowerBound) and \(range.upperBound)")
      }
    }
    try check("--temperature", temperature, 0...100)
    try check("--top-p", topP, 0...1)
    try check("--min-p", minP, 0...1)
    try check("--typical-p", typicalP, 0...1)
    try check("--repeat-penalty", repeatPenalty, 0.01...100)
    try check("--presence-penalty", presencePenalty, -2...2)
    try check("--frequency-penalty", frequencyPenalty, -2...2)
    guard !stop.contains("") else { throw ValidationError("--stop takes a text, not nothing") }
  }
}
