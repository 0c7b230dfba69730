import ApusEvaluation
import ArgumentParser

/// What is sent, as `bench serve` takes it.
struct WorkloadOptions: ParsableArguments {
  @Option(
    name: [.customLong("dataset"), .customLong("dataset-name")],
    help: ArgumentHelp("One of \(Dataset.names).", valueName: "dataset"),
    transform: { try Self.dataset($0) })
  var dataset = Dataset.random

  @Option(
    name: [.customLong("input-len"), .customLong("random-input-len")],
    help: ArgumentHelp("Tokens of a prompt of random.", valueName: "n"))
  var inputLen = DatasetOptions().inputLength

  @Option(
    name: [.customLong("output-len"), .customLong("random-output-len")],
    help: ArgumentHelp(
      "Tokens of an answer; traces have their own, lines of jsonl may.", valueName: "n"))
  var outputLen = DatasetOptions().outputLength

  @Option(
    name: [.customLong("range-ratio"), .customLong("random-range-ratio")],
    help: ArgumentHelp(
      "Lengths of random differ by up to this part of them, 0 to 1.", valueName: "r"))
  var rangeRatio = 0.0

  @Option(
    name: [.customLong("prefix-len"), .customLong("prefix-repetition-prefix-len")],
    help: ArgumentHelp("Tokens of a prefix of prefix_repetition.", valueName: "n"))
  var prefixLen = DatasetOptions().prefixLength

  @Option(
    name: [.customLong("suffix-len"), .customLong("prefix-repetition-suffix-len")],
    help: ArgumentHelp("Tokens behind the prefix.", valueName: "n"))
  var suffixLen = DatasetOptions().suffixLength

  @Option(
    name: [.customLong("num-prefixes"), .customLong("prefix-repetition-num-prefixes")],
    help: ArgumentHelp("Prefixes that the prompts share.", valueName: "n"))
  var numPrefixes = DatasetOptions().prefixCount

  @Option(
    help: ArgumentHelp("Requests; default: 1000, or all that a file has.", valueName: "n"))
  var numPrompts: Int?

  @Option(
    help: ArgumentHelp("The times of a trace are multiplied by this.", valueName: "factor"))
  var timeScale = 1.0

  @Option(help: ArgumentHelp("The seed of lengths, texts and arrivals.", valueName: "n"))
  var seed: UInt64 = 0

  @Flag(
    help:
      "Send prompts as token ids, without asking the server to count; for /v1/completions, with --vocab-size."
  )
  var promptIds = false

  @Option(help: ArgumentHelp("Ids are below this.", valueName: "n"))
  var vocabSize: Int?

  var options: DatasetOptions {
    var options = DatasetOptions()
    options.inputLength = inputLen
    options.outputLength = outputLen
    options.rangeRatio = rangeRatio
    options.prefixLength = prefixLen
    options.suffixLength = suffixLen
    options.prefixCount = numPrefixes
    options.count = numPrompts
    options.timeScale = timeScale
    options.seed = seed
    return options
  }

  /// The ids that prompts are made of; the first ones often are bytes and marks and are left out.
  var ids: Range<Int>? {
    guard promptIds, let vocabSize else { return nil }
    return (vocabSize > 512 ? 256 : 0)..<vocabSize
  }

  mutating func validate() throws {
    for (flag, value) in [
      ("--input-len", inputLen), ("--output-len", outputLen), ("--prefix-len", prefixLen),
      ("--suffix-len", suffixLen), ("--num-prefixes", numPrefixes),
      ("--num-prompts", numPrompts ?? 1), ("--vocab-size", vocabSize ?? 1),
    ] { try EngineOptions.check(flag, value, atLeast: 1) }
    guard (0...1).contains(rangeRatio) else {
      throw ValidationError("--range-ratio is \(rangeRatio); give 0 to 1")
    }
    guard timeScale > 0, timeScale.isFinite else {
      throw ValidationError("--time-scale is \(timeScale); give a positive number")
    }
    guard promptIds == (vocabSize != nil) else {
      throw ValidationError("--prompt-ids and --vocab-size go together")
    }
  }

  private static func dataset(_ text: String) throws -> Dataset {
    do { return try Dataset(parsing: text) } catch { throw ValidationError("\(error)") }
  }
}

/// How it is sent.
struct TrafficOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Requests a second, or inf for all at once; default: inf, or the times of a trace, which a rate stretches.",
      valueName: "rate"))
  var requestRate: Double?

  @Option(
    help: ArgumentHelp(
      "Shape of the gamma distribution of intervals: 1 is Poisson, less more bursty.",
      valueName: "shape"))
  var burstiness = 1.0

  @Option(
    help: ArgumentHelp(
      "Requests at once; the others wait here, which does not count.", valueName: "n"))
  var maxConcurrency: Int?

  @Option(
    help: ArgumentHelp("Seconds without a token after which a request has failed.", valueName: "s"))
  var timeout = 600.0

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Limits of a good answer: ttft:MS, tpot:MS, e2el:MS.", valueName: "limit"))
  var goodput: [String] = []

  @Flag(help: "Find the highest rate at which enough requests keep all limits.")
  var findGoodput = false

  @Option(help: ArgumentHelp("How many are enough, 0 to 1.", valueName: "share"))
  var attain = 0.9

  @Option(
    help: ArgumentHelp("Measure at each of these rates.", valueName: "rate,…"),
    transform: RateList.init(parsing:))
  var sweep: RateList?

  var objective: ServiceObjective {
    get throws {
      do { return try ServiceObjective(parsing: goodput) } catch {
        throw ValidationError("--goodput: \(error)")
      }
    }
  }

  mutating func validate() throws {
    guard requestRate.map({ $0 > 0 }) ?? true else {
      throw ValidationError("--request-rate is \(requestRate ?? 0); give a positive number or inf")
    }
    guard burstiness > 0, burstiness.isFinite else {
      throw ValidationError("--burstiness is \(burstiness); give a positive number")
    }
    guard timeout > 0 else { throw ValidationError("--timeout is \(timeout); give seconds") }
    try EngineOptions.check("--max-concurrency", maxConcurrency ?? 1, atLeast: 1)
    guard attain > 0, attain <= 1 else {
      throw ValidationError("--attain is \(attain); give a share above 0, at most 1")
    }
    let objective = try objective
    guard !findGoodput || objective != ServiceObjective() else {
      throw ValidationError("--find-goodput needs limits; give --goodput ttft:MS tpot:MS")
    }
    guard !findGoodput || sweep == nil else {
      throw ValidationError("--find-goodput and --sweep are two measurements; leave one out")
    }
  }
}

/// Rates as `--sweep 1,2,inf` gives them.
struct RateList: CustomStringConvertible {
  let rates: [Double]

  @Sendable init(parsing text: String) throws {
    rates = try text.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let rate = Double($0), rate > 0 else {
        throw ValidationError("give positive numbers, or inf, with commas between them")
      }
      return rate
    }
  }

  var description: String { rates.map { "\($0)" }.joined(separator: ",") }
}
