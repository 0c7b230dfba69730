/// The places where no merge can cross: between characters that stand side by side in no piece.
///
/// Vocabularies without a pre-tokeniser (SentencePiece) merge over the whole text. Every symbol on the way is a
/// piece, so cutting at such places changes nothing and turns one long word into many short ones.
struct CutPoints: Sendable {
  private static let asciiCount = 128
  private var ascii: [Bool] = Array(repeating: true, count: asciiCount * asciiCount)
  private var neighbours: PairTable

  init(_ vocabulary: Vocabulary) {
    neighbours = PairTable(capacity: 2 * vocabulary.count)
    for id in 0..<vocabulary.count {
      guard let piece = vocabulary.bytes(Int32(id)) else { continue }
      add(UTF8Scan.scalars(Array(piece)))
    }
  }

  private mutating func add(_ scalars: [UInt32]) {
    guard var left = scalars.first else { return }
    for right in scalars.dropFirst() {
      if left < Self.asciiCount, right < Self.asciiCount {
        ascii[Int(left) * Self.asciiCount + Int(right)] = false
      } else {
        neighbours.insert(
          Int32(truncatingIfNeeded: left), Int32(truncatingIfNeeded: right), rank: 0, result: 0,
          overwrite: false)
      }
      left = right
    }
  }

  @inline(__always)
  func mayCut(between left: UInt32, and right: UInt32) -> Bool {
    if left < Self.asciiCount, right < Self.asciiCount {
      return ascii[Int(left) * Self.asciiCount + Int(right)]
    }
    let found = neighbours.find(Int32(truncatingIfNeeded: left), Int32(truncatingIfNeeded: right))
    return found == UInt64.max
  }
}
