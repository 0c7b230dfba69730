import Apus
import ApusAttention
import ApusCompute
import ApusCore
import ApusEngine
import ApusKV
import ApusModels
import ApusScheduling
import ArgumentParser

/// How the engine runs.
struct EngineOptions: ParsableArguments {
  @Option(
    name: [.customShort("c"), .long, .customLong("max-model-len")],
    help: ArgumentHelp(
      "Tokens of prompt and answer together; 0 means what the model was trained for.",
      valueName: "n"))
  var ctxSize = 0

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Threads to compute with; default: all processors.", valueName: "n"))
  var threads: Int?

  @Option(
    name: [.long, .customLong("parallel"), .customLong("np", withSingleDash: true)],
    help: ArgumentHelp(
      "Sequences that run at once; default: \(EngineConfiguration().maxSequences), for a batch \(Self.batchSequences).",
      valueName: "n"))
  var maxNumSeqs: Int?

  @Option(
    help: ArgumentHelp(
      """
      Tokens of one step over all sequences; auto: at most \(EngineConfiguration().maxBatchedTokens), and so few that \
      a step keeps --slo-tpot while answers are being written.
      """, valueName: "n"), transform: BatchedTokens.init(parsing:))
  var maxNumBatchedTokens = BatchedTokens.auto

  @Option(
    help: ArgumentHelp(
      "Milliseconds an answer may wait for its next token; default: eight times what a step of one token takes.",
      valueName: "ms"))
  var sloTpot: Double?

  @Option(
    name: [.long, .customLong("sched")],
    help: ArgumentHelp(
      "Who runs first: \(SchedulingPolicies.catalog.names.joined(separator: ", ")), with options as in shortest-first:ageing=200.",
      valueName: "policy"))
  var schedulingPolicy = EngineConfiguration().schedulingPolicy

  @Option(
    help: ArgumentHelp(
      "When requests join those that run: \(Batching.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "mode"))
  var batching = EngineConfiguration().batching

  @Option(
    help: ArgumentHelp(
      "Whether the parts of prompts in a step are packed, or padded to the longest for comparison.",
      valueName: "mode"))
  var prefillBatching = EngineConfiguration().prefillBatching

  @Option(
    help: ArgumentHelp(
      "Whether requests that begin alike share keys and values: on or off.", valueName: "switch"))
  var prefixCache = Switch.on

  @Option(
    help: ArgumentHelp(
      "Whether requests read shared keys and values together: on or off.", valueName: "switch"))
  var sharedPrefixAttn = Switch.on

  @Option(
    help: ArgumentHelp(
      "Memory for keys and values, such as 4GiB; default: what the sequences can use.",
      valueName: "size"), transform: byteCount)
  var kvMemory: ByteCount?

  @Option(
    help: ArgumentHelp(
      "Memory beside it for copies of keys and values that have to make room, such as 8GiB; default: none.",
      valueName: "size"), transform: byteCount)
  var swapSpace: ByteCount?

  @Option(
    help: ArgumentHelp("A folder for these copies, in place of memory.", valueName: "dir"))
  var swapDir: String?

  @Option(help: ArgumentHelp("How keys are stored: \(Self.formats).", valueName: "format"))
  var cacheTypeK = EngineConfiguration().keyFormat

  @Option(help: ArgumentHelp("How values are stored: \(Self.formats).", valueName: "format"))
  var cacheTypeV = EngineConfiguration().valueFormat

  @Option(
    help: ArgumentHelp(
      "Which keys and values are kept: \(Self.policies), with options as in window:budget=0.2.",
      valueName: "policy"), transform: Self.policy)
  var kvPolicy = Self.everything

  @Option(
    help: ArgumentHelp(
      "Which of them a step reads: \(Self.selectors), with options as in quest:budget=2048.",
      valueName: "selector"), transform: Self.selector)
  var select = Self.everything

  @Option(
    help: ArgumentHelp(
      "Arithmetic: int8, with 16 bits in attention where the processor is quick at it, or f32.",
      valueName: "precision"))
  var precision = Precision.quantized

  @Option(
    help: ArgumentHelp(
      "Quantize weights that are floats while loading, as apus quantize does: \(QuantizationType.names).",
      valueName: "type"), transform: QuantizationType.init(argument:))
  var quantize: QuantizationType?

  @Option(
    help: ArgumentHelp(
      "A folder that keeps packed weights, so that the next start is quick; it may be emptied at any time.",
      valueName: "dir"))
  var packCache: String?

  @Option(help: ArgumentHelp("The instruction set.", visibility: .hidden))
  var isa: String?

  /// Throws `CatalogError` when a file that a policy's options name has changed since they were parsed.
  var configuration: EngineConfiguration {
    get throws {
      var configuration = EngineConfiguration()
      configuration.contextLength = ctxSize == 0 ? nil : ctxSize
      configuration.threadCount = threads
      if let maxNumSeqs { configuration.maxSequences = maxNumSeqs }
      if case .count(let count) = maxNumBatchedTokens {
        configuration.maxBatchedTokens = count
        configuration.limitsStepTime = sloTpot != nil
      }
      configuration.tokenLatencyTarget = sloTpot.map { .milliseconds($0) }
      configuration.schedulingPolicy = schedulingPolicy
      configuration.batching = batching
      configuration.prefillBatching = prefillBatching
      configuration.prefixCache = prefixCache == .on
      configuration.sharedPrefixAttention = sharedPrefixAttn == .on
      configuration.kvMemory = kvMemory
      configuration.swapSpace = swapSpace
      configuration.swapDirectory = swapDir
      configuration.keyFormat = cacheTypeK
      configuration.valueFormat = cacheTypeV
      configuration.precision = precision
      configuration.instructionSet = isa
      configuration.quantization = quantize
      configuration.packCache = packCache
      configuration.measurementCache = UserCache.folder() + "/apus"
      configuration.kvMethods = try KVMethods(policy: kvPolicy, selector: select)
      return configuration
    }
  }

  /// For a command that runs one sequence at a time.
  var singleSequence: EngineConfiguration {
    get throws {
      var configuration = try configuration
      configuration.maxSequences = 1
      configuration.limitsStepTime = false
      return configuration
    }
  }

  /// Where nobody waits for an answer, memory is to set the limit.
  private static let batchSequences = 64

  /// For a command that runs as many sequences at once as have room.
  var manySequences: EngineConfiguration {
    get throws {
      var configuration = try configuration
      configuration.maxSequences = maxNumSeqs ?? Self.batchSequences
      // Nobody watches the tokens come.
      configuration.limitsStepTime = sloTpot != nil
      return configuration
    }
  }

  mutating func validate() throws {
    try Self.check("--ctx-size", ctxSize, atLeast: 0)
    try Self.check("--threads", threads ?? 1, atLeast: 1)
    try Self.check("--max-num-seqs", maxNumSeqs ?? 1, atLeast: 1)
    if let sloTpot, !(sloTpot > 0) {
      throw ValidationError("--slo-tpot is \(sloTpot); give a positive number of milliseconds")
    }
    do { _ = try SchedulingPolicies.make(schedulingPolicy) } catch {
      throw ValidationError("\(error)")
    }
    guard swapDir == nil || swapSpace != nil else {
      throw ValidationError("--swap-dir needs --swap-space, which says how large the file may get")
    }
    guard packCache != "" else { throw ValidationError("--pack-cache is empty; name a folder") }
    try Self.checkFormats([cacheTypeK, cacheTypeV])
  }

  static func checkFormats(_ names: [String]) throws {
    for name in names {
      do { _ = try KVFormats.catalog.find(name) } catch { throw ValidationError("\(error)") }
    }
  }

  static func check(_ flag: String, _ value: Int, atLeast limit: Int) throws {
    guard value >= limit else {
      throw ValidationError("\(flag) is \(value); the least is \(limit)")
    }
  }

  static let formats = KVFormats.catalog.names.joined(separator: ", ")

  /// The value of `--kv-policy` and `--select` that changes nothing.
  static let everything = "none"
  private static let policies = names(KVPolicies.catalog.names)
  private static let selectors = names(KeySelectors.catalog.names)

  private static func names(_ names: [String]) -> String {
    ([everything] + names).joined(separator: ", ")
  }

  /// Throws `CatalogError`, which the parser reports under the flag's name.
  @Sendable private static func policy(_ text: String) throws -> String {
    _ = try KVMethods(policy: text, selector: nil)
    return text
  }

  @Sendable private static func selector(_ text: String) throws -> String {
    _ = try KVMethods(policy: nil, selector: text)
    return text
  }

  @Sendable static func byteCount(_ text: String) throws -> ByteCount {
    guard let count = ByteCount(parsing: text), count.bytes > 0 else {
      throw ValidationError("give a size such as 512M or 4GiB")
    }
    return count
  }
}

/// The value of `--max-num-batched-tokens`.
enum BatchedTokens: CustomStringConvertible {
  case auto
  case count(Int)

  @Sendable init(parsing text: String) throws {
    if text == "auto" {
      self = .auto
    } else {
      guard let count = Int(text), count > 0 else {
        throw ValidationError("give a positive number or auto")
      }
      self = .count(count)
    }
  }

  var description: String {
    switch self {
    case .auto: "auto"
    case .count(let count): "\(count)"
    }
  }
}

extension Precision: ExpressibleByArgument {}
extension Batching: ExpressibleByArgument {}
extension PrefillBatching: ExpressibleByArgument {}

enum Switch: String, ExpressibleByArgument {
  case on
  case off
}

extension QuantizationType {
  static let names = allCases.map(\.rawValue).joined(separator: ", ")

  /// The value of `--type` and `--quantize`.
  @Sendable init(argument text: String) throws {
    guard let type = QuantizationType(parsing: text) else {
      throw ValidationError("there is no such type; valid: \(Self.names)")
    }
    self = type
  }
}
