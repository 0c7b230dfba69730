import Apus
import ApusCompute
import ApusCore
import ApusEngine
import ApusKV
import ApusModels
import ArgumentParser

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "What a model would cost here: memory, users, times.",
    discussion: """
      A model of costs, no measurement of the model: only its header is read. For contexts of 1k, 4k, 16k … tokens it \
      tells the bytes of keys and values, the time to the first token of a prompt of that length, the time per output \
      token alone and with many users, how many users fit into memory, and how long it takes to move a user's keys \
      and values away or back.

      Times are those of the machine's roofline, so no run can be faster. The roofline is measured now unless \
      --bandwidth and --compute give it. --bandwidth-share and --compute-share say what part of it a run reaches: \
      assumptions of yours, to be compared with apus bench.

      EXAMPLES
        apus plan -m model.gguf -c 131072 --users 8
        apus plan -m model.gguf --memory 64GiB --bandwidth 200 --compute 3000 --json
      """)

  @Option(
    name: [.customShort("c"), .long, .customLong("max-model-len")],
    help: ArgumentHelp(
      "The longest context; 0 means what the model was trained for.", valueName: "n"))
  var ctxSize = 0

  @Option(
    help: ArgumentHelp(
      "Users that are answered at once; default: as many as fit.", valueName: "n"))
  var users: Int?

  @Option(
    help: ArgumentHelp(
      "Memory for weights, keys and values, such as 64GiB; default: what is available now.",
      valueName: "size"), transform: EngineOptions.byteCount)
  var memory: ByteCount?

  @Option(
    help: ArgumentHelp(
      "Memory for keys and values; default: what the weights leave.", valueName: "size"),
    transform: EngineOptions.byteCount)
  var kvMemory: ByteCount?

  @Option(
    help: ArgumentHelp(
      "What memory delivers, in 10⁹ bytes a second; default: measured.", valueName: "gb/s"))
  var bandwidth: Double?

  @Option(
    help: ArgumentHelp(
      "What the processors compute, in 10⁹ operations a second, a multiplication and its addition being two; default: measured, for bytes and for floats.",
      valueName: "gop/s"))
  var compute: Double?

  @Option(
    help: ArgumentHelp(
      "What moves keys and values away and back, in 10⁹ bytes a second; default: half the bandwidth, as a copy in memory reads and writes.",
      valueName: "gb/s"))
  var link: Double?

  @Option(
    help: ArgumentHelp("The part of the bandwidth that a run reaches.", valueName: "share"))
  var bandwidthShare = 1.0

  @Option(help: ArgumentHelp("The part of the compute that a run reaches.", valueName: "share"))
  var computeShare = 1.0

  @Option(
    help: ArgumentHelp("Tokens of one step while a prompt is read.", valueName: "n"))
  var maxNumBatchedTokens = EngineConfiguration().maxBatchedTokens

  @Option(
    help: ArgumentHelp("How keys are stored: \(EngineOptions.formats).", valueName: "format"))
  var cacheTypeK = EngineConfiguration().keyFormat

  @Option(
    help: ArgumentHelp("How values are stored: \(EngineOptions.formats).", valueName: "format"))
  var cacheTypeV = EngineConfiguration().valueFormat

  @Option(help: ArgumentHelp("Activations in int8 or f32.", valueName: "precision"))
  var precision = Precision.quantized

  @Option(
    help: ArgumentHelp(
      "As if weights that are floats were quantized: \(QuantizationType.names).", valueName: "type"),
    transform: QuantizationType.init(argument:))
  var quantize: QuantizationType?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Threads to measure with; default: all processors.", valueName: "n"))
  var threads = WorkerPool.defaultThreadCount

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup var global: GlobalOptions

  mutating func validate() throws {
    try EngineOptions.check("--ctx-size", ctxSize, atLeast: 0)
    guard ctxSize <= Int32.max else { throw ValidationError("--ctx-size is too large") }
    try EngineOptions.check("--users", users ?? 1, atLeast: 1)
    try EngineOptions.check("--threads", threads, atLeast: 1)
    try EngineOptions.check("--max-num-batched-tokens", maxNumBatchedTokens, atLeast: 1)
    try EngineOptions.checkFormats([cacheTypeK, cacheTypeV])
    let rates = [("--bandwidth", bandwidth), ("--compute", compute), ("--link", link)]
    for (flag, value) in rates where !(value.map { $0 > 0 && $0.isFinite } ?? true) {
      throw ValidationError("\(flag) is \(value ?? 0); give a positive number")
    }
    for (flag, value) in [("--bandwidth-share", bandwidthShare), ("--compute-share", computeShare)]
    where !(value > 0 && value <= 1) {
      throw ValidationError("\(flag) is \(value); it is above 0 and at most 1")
    }
    guard memory == nil || kvMemory == nil else {
      throw ValidationError("--memory and --kv-memory exclude each other; leave one out")
    }
  }

  func run() throws {
    let path = try ModelOptions.localPath(model.model, quiet: global.quiet)
    let checkpoint = try Checkpoint.open(path)
    let shape = checkpoint.configuration.shape
    guard shape.headDimension <= KVGeometry.largestHeadDimension else {
      throw EngineError.headTooLarge(
        shape.headDimension, limit: KVGeometry.largestHeadDimension)
    }
    let weights = CostModel.Weights(checkpoint, precision: precision, quantization: quantize)
    let figures = try machine()
    let costs = CostModel(
      configuration: checkpoint.configuration,
      geometry: KVGeometry(
        layerCount: shape.layerCount, headCount: shape.kvHeadCount,
        headDimension: shape.headDimension, key: try KVFormats.catalog.find(cacheTypeK),
        value: try KVFormats.catalog.find(cacheTypeV)),
      weights: weights,
      machine: .init(
        bandwidth: figures.bandwidth.value * bandwidthShare,
        int8: figures.int8.value * computeShare, float: figures.float.value * computeShare,
        half: figures.half.value * computeShare,
        link: figures.link.value), chunk: maxNumBatchedTokens)
    let report = PlanReport(
      costs: costs, figures: figures, memory: kvBytes(weights), bandwidthShare: bandwidthShare,
      computeShare: computeShare, users: users,
      contextLength: ctxSize == 0 ? min(shape.contextLength, Int(Int32.max)) : ctxSize)
    if json { try Output.json(report.json) } else { try Output.write(report.text) }
  }

  private func kvBytes(_ weights: CostModel.Weights) -> PlanReport.Figure {
    if let kvMemory { return .init(Double(kvMemory.bytes), "given as --kv-memory") }
    let (all, source) =
      memory.map { ($0.bytes, "given as --memory") }
      ?? (CostModel.availableMemory, "available now")
    return .init(Double(max(0, all - weights.byteCount)), source + ", less the weights")
  }

  private func machine() throws -> PlanReport.Figures {
    var roofline: Roofline?
    var measured = ""
    if bandwidth == nil || compute == nil {
      if Output.isTerminal, !global.quiet { Output.note("measuring what the machine can do") }
      let kernels = try Compute(pool: WorkerPool(threadCount: threads), precision: precision)
      roofline = KernelBenchmark(kernels).roofline
      measured = "measured now with \(threads) threads, \(kernels.instructionSet)"
    }
    func figure(_ given: Double?, _ flag: String, _ roof: Roofline.Roof?) -> PlanReport.Figure {
      given.map { .init($0 * 1e9, "given as \(flag)") } ?? .init(roof?.allThreads ?? 0, measured)
    }
    let reading = figure(bandwidth, "--bandwidth", roofline?.read)
    return PlanReport.Figures(
      bandwidth: reading, int8: figure(compute, "--compute", roofline?.int8),
      float: figure(compute, "--compute", roofline?.multiplyAdd),
      half: figure(
        compute, "--compute", precision == .full ? roofline?.multiplyAdd : roofline?.ofHalves),
      link: link.map { .init($0 * 1e9, "given as --link") }
        ?? .init(reading.value / 2, "half the bandwidth: a copy in memory reads and writes"))
  }
}
