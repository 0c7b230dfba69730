import ApusCompute
import ApusCore
import ArgumentParser

struct BenchKernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels", abstract: "How close the kernels come to what the machine can do.",
    discussion: """
      First the roofline is measured: bytes read from memory a second, fused multiply-adds (two operations each) and \
      products of bytes, with one thread and with all. Then each kernel on all threads: its share is the shortest time \
      that the roofline allows divided by the time taken, and its figure is what the roof that it meets first counts. \
      Products of 1 and 8 rows, rows and decoding read from memory, not from the caches. The last column compares with \
      the scalar kernel, on one thread and little data.

      EXAMPLE
        apus bench kernels --filter gemm_q4 --json
      """)

  @Option(help: ArgumentHelp("Only kernels whose name contains this.", valueName: "text"))
  var filter = ""

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Threads to compute with; default: all processors.", valueName: "n"))
  var threads = WorkerPool.defaultThreadCount

  @Flag(help: "Print one array of rows.")
  var json = false

  @Option(help: ArgumentHelp("The instruction set.", visibility: .hidden))
  var isa: String?

  @OptionGroup var global: GlobalOptions

  mutating func validate() throws {
    try EngineOptions.check("--threads", threads, atLeast: 1)
  }

  func run() throws {
    let compute = try Compute(pool: WorkerPool(threadCount: threads), instructionSet: isa)
    if !json { try Output.line("\(compute.instructionSet), \(threads) threads") }
    let benchmark = KernelBenchmark(compute)
    let cases = benchmark.cases.filter { filter.isEmpty || $0.name.contains(filter) }
    var rows = benchmark.roofline.rows
    if !json { for row in rows { try Output.line(row.line) } }
    let bar = ProgressBar("measuring", quiet: global.quiet)
    defer { bar.finish() }
    for (index, item) in cases.enumerated() {
      bar.update(index, of: cases.count, detail: item.name)
      let row = KernelRow(item.measure())
      rows.append(row)
      bar.finish()
      if !json { try Output.line(row.line) }
    }
    guard json else { return }
    try Output.json(.array(rows.map { $0.json(compute.instructionSet, threads: threads) }))
  }
}

/// One line of the table.
private struct KernelRow {
  let name: String
  let value: Double
  let unit: String
  var share = 1.0
  /// Nil for the roofs themselves.
  var comparison: (roof: String, speedup: Double)?

  init(_ name: String, _ value: Double, _ unit: String) {
    (self.name, self.value, self.unit) = (name, value, unit)
  }

  init(_ kernel: KernelMeasurement) {
    self.init(kernel.name, kernel.value, kernel.unit)
    share = kernel.share
    comparison = (kernel.bound.rawValue, kernel.speedup)
  }

  var line: String {
    let figure = value.formatted(decimals: 1).padded(to: 10, right: true)
    let start = name.padded(to: 26) + figure + " " + unit.padded(to: 8)
    guard let comparison else { return start.trimmingSuffix(" ") }
    let share = (share * 100).formatted(decimals: 0).padded(to: 4, right: true)
    let speedup = comparison.speedup.formatted(decimals: 1).padded(to: 8, right: true)
    return "\(start)\(share)% of \(comparison.roof.padded(to: 10))\(speedup) x scalar"
  }

  func json(_ isa: String, threads: Int) -> JSONValue {
    [
      "name": .string(name), "value": .number(value.rounded3), "unit": .string(unit),
      "share": .number(share.rounded3), "bound": .string(comparison?.roof ?? name),
      "speedup": comparison.map { .number($0.speedup.rounded3) } ?? .null, "isa": .string(isa),
      "n_threads": .integer(Int64(name.hasSuffix("_1t") ? 1 : threads)),
    ]
  }
}

extension Roofline {
  fileprivate var rows: [KernelRow] {
    var roofs = [(read, KernelMeasurement.Bound.read), (multiplyAdd, .multiplyAdd)]
    if let halves { roofs.append((halves, .halves)) }
    return (roofs + [(int8, .int8)]).flatMap {
      [
        KernelRow($1.rawValue + "_1t", $0.oneThread / 1e9, $1.unit),
        KernelRow($1.rawValue, $0.allThreads / 1e9, $1.unit),
      ]
    }
  }
}

extension String {
  fileprivate func padded(to width: Int, right: Bool = false) -> String {
    let space = String(repeating: " ", count: max(0, width - count))
    return right ? space + self : self + space
  }

  fileprivate func trimmingSuffix(_ character: Character) -> String {
    String(reversed().drop { $0 == character }.reversed())
  }
}
