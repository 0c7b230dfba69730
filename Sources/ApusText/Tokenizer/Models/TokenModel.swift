import ApusCore

/// Turns one pre-token (a range of a UTF-8 text) into ids.
protocol TokenModel: Sendable {
  /// The name as `summary` prints it.
  var name: String { get }

  func encode(
    _ text: [UInt8], _ range: Range<Int>, scratch: inout EncodingScratch, into ids: inout [TokenID])
}

/// Arrays that encoding reuses from one pre-token to the next.
struct EncodingScratch {
  var merging = MergeList()
  var best: [UnigramModel.Step] = []
  var backwards: [TokenID] = []
}
