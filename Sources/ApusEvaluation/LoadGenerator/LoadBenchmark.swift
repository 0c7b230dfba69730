import ApusCore

/// Runs a workload against a server: once, at several rates, or to find the goodput.
package struct LoadBenchmark: Sendable {
  package var client: LoadClient
  package var body: RequestBody
  package var requests: [LoadRequest]
  package var writer: PromptWriter
  package var arrivals: Arrivals
  package var options = LoadDriver.Options()
  package var seed: UInt64 = 0
  /// Runs so far: each has prompts of its own, so that none finds those of another in the server's cache.
  package var round: UInt64 = 0

  package init(
    _ client: LoadClient, _ body: RequestBody, _ requests: [LoadRequest], _ writer: PromptWriter,
    _ arrivals: Arrivals
  ) {
    self.client = client
    self.body = body
    self.requests = requests
    self.writer = writer
    self.arrivals = arrivals
  }

  /// Runs the workload once.
  ///
  /// - Parameters:
  ///   - rate: Requests a second instead of those of `arrivals`.
  ///   - allowedMisses: After more misses the run stops, since it cannot attain any more.
  package mutating func run(
    rate: Double? = nil, allowedMisses: Int = .max,
    progress: @escaping @Sendable (LoadDriver.Progress) -> Void = { _ in }
  ) async -> LoadRun {
    var options = options
    options.allowedMisses = allowedMisses
    var writer = writer
    writer.seed = seed &+ round &* 0x1_0000_0001
    round += 1
    let driver = LoadDriver(client, body, requests, options: options)
    return await driver.run(at: times(rate: rate), writer: writer, progress: progress)
  }

  /// When requests are due: as a trace has it, else at random.
  private func times(rate: Double?) -> [Double] {
    var arrivals = arrivals
    if let rate { arrivals.rate = rate }
    let recorded = requests.compactMap(\.arrival)
    if recorded.count == requests.count { return arrivals.times(of: recorded) }
    var source = RandomSource(seed: seed ^ 0x6172_7269_7661_6C73)
    return arrivals.times(count: requests.count, using: &source)
  }
}
