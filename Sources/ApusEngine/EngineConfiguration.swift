import ApusCompute
import ApusCore
import ApusKV
import ApusModels
import ApusScheduling
import Foundation

/// What an engine is started with; nil means a value fit for the model and the machine.
public struct EngineConfiguration: Sendable {
  /// Tokens of prompt and answer together.
  public var contextLength: Int?
  public var threadCount: Int?
  public var maxSequences = 16
  /// Tokens of one step over all sequences.
  public var maxBatchedTokens = 512
  /// Measures at the start what steps cost, and keeps them short while answers are being written.
  public var limitsStepTime = true
  /// So long an answer may wait for its next token; nil means eight times as long as a step of one token takes.
  public var tokenLatencyTarget: Duration?
  /// Who runs first, as `SchedulingPolicies.make` reads it.
  public var schedulingPolicy = "stall-free"
  public var batching = Batching.continuous
  public var prefillBatching = PrefillBatching.packed
  /// Whether requests that begin alike share keys and values, also with those that have ended.
  public var prefixCache = true
  /// Whether requests read shared keys and values together.
  public var sharedPrefixAttention = true
  /// Requests that may wait, beside `maxSequences` running ones, before new ones are refused; nil means no limit.
  public var maxWaiting: Int?
  public var kvMemory: ByteCount?
  /// Asks the system, while no request runs, for memory of keys and values that requests may soon use, 256 MiB at most.
  public var reservesMemory = false
  /// Memory beside `kvMemory` for copies of keys and values that have to make room; nil means none.
  public var swapSpace: ByteCount?
  /// A folder for these copies, in place of memory.
  public var swapDirectory: String?
  public var keyFormat = "f16"
  public var valueFormat = "f16"
  public var precision = Precision.quantized
  public var instructionSet: String?
  /// The type in which weights that a file has as floats are quantised while they are loaded; nil keeps them.
  public var quantization: QuantizationType?
  /// A folder that keeps packed weights for the next start.
  public var packCache: String?
  public var headRoles: JSONValue?
  /// What is kept of keys and values and what is read in a step, where requests do not say otherwise.
  public var kvMethods = KVMethods.none
  /// Whether a token ends a sentence, for selectors that read whole sentences; nil means that none is known to.
  public var endsSentence: (@Sendable (TokenID) -> Bool)?
  /// Answers a prompt by a draft model with so many tokens at most, for KV policies that look ahead.
  public var draft: DraftAnswer?
  /// A folder that keeps what was measured about steps for the next start.
  public var measurementCache: String?

  public init() {}

  /// The same with all keys and values kept and read, in f16, or in f32 where they are: it is never less exact than
  /// this one.
  ///
  /// Nothing else is reset: weights, their precision and the kernels remain.
  package var exact: EngineConfiguration {
    let standard = EngineConfiguration()
    var configuration = self
    if keyFormat != "f32" { configuration.keyFormat = standard.keyFormat }
    if valueFormat != "f32" { configuration.valueFormat = standard.valueFormat }
    configuration.kvMethods = .none
    return configuration
  }

  /// Whether answers may differ from those of `exact`.
  package var isApproximate: Bool {
    let exact = exact
    return keyFormat != exact.keyFormat || valueFormat != exact.valueFormat
      || kvMethods.policy != nil || kvMethods.selector != nil
  }
}

/// The tokens, so many at most, that a small model with the same vocabulary goes on with after a prompt.
public typealias DraftAnswer = @Sendable ([TokenID], Int) async throws -> [TokenID]

/// The sizes an engine settles on before it loads the weights.
package struct EnginePlan {
  package let contextLength: Int
  package let geometry: KVGeometry
  package let blockCount: Int
  /// Blocks that the swap space can hold.
  package let swapSlotCount: Int

  /// Approximate methods that every answer is made with.
  package var methods: [String] {
    [("cache-type-k", geometry.key), ("cache-type-v", geometry.value)]
      .filter { $0.1.isApproximate }.map { "\($0.0):\($0.1)" }
  }

  package init(
    _ configuration: EngineConfiguration, model: ModelConfiguration, weightByteCount: Int,
    availableMemory: Int
  ) throws {
    let shape = model.shape
    guard shape.headDimension <= KVGeometry.largestHeadDimension else {
      throw EngineError.headTooLarge(
        shape.headDimension, limit: KVGeometry.largestHeadDimension)
    }
    let geometry = KVGeometry(
      layerCount: shape.layerCount, headCount: shape.kvHeadCount,
      headDimension: shape.headDimension, key: try KVFormats.catalog.find(configuration.keyFormat),
      value: try KVFormats.catalog.find(configuration.valueFormat))
    let wanted = configuration.contextLength ?? shape.contextLength
    guard wanted > 0 else { throw EngineError.invalidContextLength(wanted) }

    // What is packed of the mapped file leaves the memory.
    let free = availableMemory - weightByteCount
    let onePage = geometry.blockByteCount
    guard free > onePage else {
      throw EngineError.modelTooLarge(
        needed: weightByteCount + onePage, available: availableMemory)
    }
    // What a policy keeps moves to other pages before the old ones are given back.
    let spare = configuration.kvMethods.policy == nil ? 0 : 1
    let all = KVGeometry.pageCount(wanted) * (configuration.maxSequences + spare)
    var blocks: Int
    if let memory = configuration.kvMemory {
      blocks = memory.bytes / onePage
    } else {
      blocks = min(all, free / 10 * 6 / onePage)
    }
    blocks = min(blocks, Int(Int32.max))
    if blocks < KVGeometry.pageCount(wanted) {
      if configuration.contextLength != nil || blocks == 0 {
        throw EngineError.contextTooLarge(
          tokens: wanted, needed: KVGeometry.pageCount(wanted) * onePage,
          available: blocks * onePage)
      }
      contextLength = blocks * KVGeometry.pageSize
    } else {
      contextLength = wanted
    }
    self.geometry = geometry
    blockCount = blocks
    swapSlotCount =
      configuration.prefixCache
      ? min((configuration.swapSpace?.bytes ?? 0) / onePage, Int(SwapSlot.max)) : 0
  }

  /// Bytes that can be taken without swapping.
  static func availableMemory() -> Int {
    if let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
      let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    {
      return kilobytes * 1024
    }
    return Int(clamping: ProcessInfo.processInfo.physicalMemory)
  }
}
