import ApusAttention
import Testing

@Suite(.serialized) struct TreeMaskTests {
  @Test func chainIsCausal() {
    let mask = TreeMask(parents: Array(-1..<63))
    #expect(mask.depths == Array(0..<64))
    #expect(mask.rows[63] == .max)
    for index in 0..<63 {
      let expected = (UInt64(1) << UInt64(index + 1)) - 1
      #expect(mask.rows[index] == expected)
    }
  }

  @Test func siblingsDoNotSeeEachOther() {
    // 0 and 1 are roots; 2 and 3 follow 0; 4 follows 3; 5 follows 1.
    let mask = TreeMask(parents: [-1, -1, 0, 0, 3, 1])
    #expect(mask.rows == [0b1, 0b10, 0b101, 0b1001, 0b11001, 0b100010])
    #expect(mask.depths == [0, 0, 1, 1, 2, 1])
  }

  @Test func emptyTree() {
    #expect(TreeMask(parents: []).rows.isEmpty)
  }
}
