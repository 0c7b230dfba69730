import ApusCore
import ApusKV
import Testing

/// Policies that read which heads are retrieval heads.
@Suite(.serialized) struct HeadPatternTests {
  private static let shape = KVShape(layerCount: 2, headCount: 3)

  /// For each layer and head, whether it keeps everything.
  private func pattern(_ text: String, _ options: String = "") throws -> [[Bool]] {
    let policy = try make("duo:HEADS" + options, pattern: text)
    try policy.validate(for: Self.shape)
    return (0..<2).map { layer in
      (0..<3).map { head in
        policy.capacity(layer: layer, head: head, of: Self.shape, promptCount: 100) == Int.max
      }
    }
  }

  @Test func readsTablesAndJSON() throws {
    let expected = [[true, false, true], [false, false, true]]
    for text in [
      "1.000000000000000000e+00\t0.0\t0.5\n0.49\t0\t1.02\n",
      "  1 0  0.5 \r\n\r\n0.4 -0.01 1", #"{"heads": [[1, 0, 0.5], [0.49, 0, 1]]}"#,
      #" {"streaming": {"sinks": 4, "window": 256}, "heads": [[1, 0, 0.5], [0.49, 0, 1]]}"#,
    ] {
      #expect(try pattern(text) == expected, "\(text)")
    }
    #expect(
      try pattern("1 0 0.5\n0.4 0 0.3", ",threshold=0.35")
        == [[true, false, true], [true, false, false]])
  }

  @Test(arguments: [
    "", " \n", "1 0\n1", "1 x", "1 nan", "{}", "{", #"{"heads": []}"#, #"{"heads": [[]]}"#,
    #"{"heads": [[1, "0"]]}"#, #"{"heads": [1, 0]}"#,
    #"{"heads": [[1]], "streaming": {"sinks": -1}}"#,
    #"{"heads": [[1]], "streaming": {"window": 0}}"#,
    #"{"heads": [[1]], "streaming": {"window": 99999999999}}"#,
  ])
  func refusesWhatIsNoPattern(text: String) throws {
    let error = #expect(throws: CatalogError.self) { try make("razor:HEADS", pattern: text) }
    #expect(error?.description.contains("option heads of razor is '/") == true)
    #expect(error?.description.contains("give a file with one row a layer") == true)
  }

  @Test func refusesLargeFiles() throws {
    let error = #expect(throws: CatalogError.self) {
      try make("razor:HEADS", pattern: String(repeating: "1 ", count: (1 << 19) + 1))
    }
    #expect(error?.description.contains("of at most 1 MB") == true)
  }

  @Test(arguments: ["razor", "duo"])
  func refusesThePatternOfAnotherModel(name: String) throws {
    let policy = try make(name + ":HEADS", pattern: "1 0 1\n0 0 1\n")
    try policy.validate(for: Self.shape)
    for shape in [
      KVShape(layerCount: 3, headCount: 3), KVShape(layerCount: 2, headCount: 2),
    ] {
      let error = #expect(throws: KVPolicyError.self) { try policy.validate(for: shape) }
      #expect(
        error
          == .wrongPattern(policy: name, option: "heads", layers: 2, heads: 3, expected: shape))
    }
  }

  @Test func duoKeepsSinksAndTheNewestOfStreamingHeads() throws {
    let zeros = [Float](repeating: 0, count: 6)
    #expect(
      try kept("duo:HEADS,sinks=1,recent=2", [zeros, zeros], pattern: "1 0")
        == [[0, 1, 2, 3, 4, 5], [0, 4, 5]])
  }

  /// What the file says about streaming heads holds unless options do.
  @Test func duoReadsHowMuchStreamingHeadsKeep() throws {
    let shape = KVShape(layerCount: 1, headCount: 1)
    for (text, options, capacity) in [
      ("0", "", 320), (#"{"heads": [[0]], "streaming": {"sinks": 2, "window": 9}}"#, "", 11),
      (#"{"heads": [[0]], "streaming": {"sinks": 2, "window": 9}}"#, ",recent=20", 22),
      ("0", ",sinks=0,recent=1", 1),
    ] {
      let policy = try make("duo:HEADS" + options, pattern: text)
      #expect(policy.capacity(layer: 0, head: 0, of: shape, promptCount: 9) == capacity)
    }
  }

  @Test func razorKeepsAFifthOfThePrompt() throws {
    let policy = try make("razor:HEADS", pattern: "0 1")
    let shape = KVShape(layerCount: 1, headCount: 2)
    func capacities(_ promptCount: Int) -> [Int] {
      (0..<2).map { policy.capacity(layer: 0, head: $0, of: shape, promptCount: promptCount) }
    }
    #expect(capacities(5000) == [4004, Int.max])
    #expect(capacities(50_000) == [10_004, Int.max])
    let zeros = [Float](repeating: 0, count: 6)
    #expect(
      try kept("razor:HEADS,budget=2,sinks=1", [zeros, zeros], pattern: "0 1")
        == [[0, 4, 5], [0, 1, 2, 3, 4, 5]])
  }
}
