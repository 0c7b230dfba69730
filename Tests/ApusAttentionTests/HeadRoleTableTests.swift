import ApusAttention
import ApusCompute
import ApusCore
import Testing

@Suite(.serialized) struct HeadRoleTableTests {
  private func table(_ json: String, layers: Int = 2, heads: Int = 2) throws -> HeadRoleTable {
    try HeadRoleTable(json: JSONValue(parsing: json), layerCount: layers, headCount: heads)
  }

  @Test func readsGates() throws {
    let table = try table(
      #"{"streaming": {"sinks": 4, "window": 256}, "heads": [[1, 0], [0.49, 0.5]]}"#)
    let streaming = HeadRole.streaming(sinks: 4, window: 256)
    #expect(table.roles == [[.full, streaming], [streaming, .full]])
    #expect(table[0, 1] == streaming)
  }

  @Test func rangesCombineWithTheModelsWindow() throws {
    var table = HeadRoleTable(layerCount: 1, headCount: 3)
    #expect(table.ranges(layer: 0, modelWindow: nil) == [.full, .full, .full])
    table[0, 1] = .streaming(sinks: 4, window: 64)
    table[0, 2] = .streaming(sinks: 0, window: 512)
    #expect(
      table.ranges(layer: 0, modelWindow: nil)
        == [.full, HeadRange(sinks: 4, window: 64), HeadRange(window: 512)])
    #expect(
      table.ranges(layer: 0, modelWindow: 128)
        == [HeadRange(window: 128), HeadRange(window: 64), HeadRange(window: 128)])
  }

  @Test(arguments: [
    #"{}"#, #"[]"#, #"{"heads": 3}"#,
    #"{"streaming": {"sinks": 4, "window": 8}, "heads": [[1, 0]]}"#,
    #"{"streaming": {"sinks": 4, "window": 8}, "heads": [[1, 0], [1]]}"#,
    #"{"streaming": {"sinks": 4, "window": 8}, "heads": [[1, 0], [1, 0, 0]]}"#,
    #"{"streaming": {"sinks": 4, "window": 8}, "heads": [[1, 0], [1, "x"]]}"#,
    #"{"streaming": {"sinks": 4, "window": 8}, "heads": [[1, 0], 7]}"#,
  ])
  func refusesOtherShapes(json: String) {
    #expect(throws: HeadRoleError.wrongShape(expected: 2, 2)) { try table(json) }
  }

  @Test(arguments: [
    #"{"heads": [[1, 0], [1, 0]]}"#,
    #"{"streaming": {"window": 8}, "heads": [[1, 0], [1, 0]]}"#,
    #"{"streaming": {"sinks": -1, "window": 8}, "heads": [[1, 0], [1, 0]]}"#,
    #"{"streaming": {"sinks": 0, "window": 0}, "heads": [[1, 0], [1, 0]]}"#,
    #"{"streaming": {"sinks": 0.5, "window": 8}, "heads": [[1, 0], [1, 0]]}"#,
  ])
  func refusesStreamingWithoutSizes(json: String) {
    #expect(throws: HeadRoleError.missingStreaming) { try table(json) }
  }
}
