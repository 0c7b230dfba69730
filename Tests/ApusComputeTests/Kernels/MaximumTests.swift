import ApusCompute
import ApusCore
import Testing

struct MaximumTests {
  private func plain(_ numbers: [Float]) -> Int? {
    var best: Int?
    for (index, number) in numbers.enumerated() where !number.isNaN {
      if best.map({ number > numbers[$0] }) ?? true { best = index }
    }
    return best
  }

  /// Of all lengths around whole registers, with equals, infinities and NaN among them.
  @Test func isTheFirstOfTheHighest() {
    var random = RandomSource(seed: 1)
    let wild: [Float] = [.nan, .infinity, -.infinity, 0, -0.0, 2, 2]
    for count in 0..<70 {
      for share in [0, 2, 10] {
        let numbers = (0..<count).map { _ in
          share > 0 && random.below(share) == 0
            ? wild[random.below(wild.count)] : Float(random.below(9)) - 6
        }
        #expect(numbers.span.indexOfMaximum == plain(numbers), "\(numbers)")
      }
    }
  }

  @Test func ofNothingButNaNIsNone() {
    #expect([Float](repeating: .nan, count: 40).span.indexOfMaximum == nil)
    #expect([Float](repeating: -.infinity, count: 40).span.indexOfMaximum == 0)
  }
}
