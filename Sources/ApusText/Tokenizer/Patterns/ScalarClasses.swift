/// Numbers the equivalence classes of scalars that a list of sets cannot tell apart.
struct ScalarClasses: Sendable {
  private static let pageSize = 256

  /// The number of classes; the number itself stands for the end of the text.
  let count: Int
  /// For each set, whether it contains each class.
  let members: [[Bool]]
  private let ascii: [UInt8]
  private let pages: [UInt8]
  private let pageNumbers: [UInt16]

  /// Returns nil where there are more than 250 classes.
  init?(_ sets: [ScalarSet]) {
    var boundaries: Set<UInt32> = [0]
    for set in sets {
      for range in set.ranges {
        boundaries.insert(range.lowerBound)
        boundaries.insert(range.upperBound + 1)
      }
    }
    let starts = boundaries.filter { $0 <= ScalarSet.limit }.sorted()
    var numbers: [[Bool]: UInt8] = [:]
    var signatures: [[Bool]] = []
    var intervalClasses: [UInt8] = []
    for start in starts {
      let signature = sets.map { $0.contains(start) }
      if let number = numbers[signature] {
        intervalClasses.append(number)
      } else {
        guard signatures.count < 250 else { return nil }
        let number = UInt8(signatures.count)
        numbers[signature] = number
        signatures.append(signature)
        intervalClasses.append(number)
      }
    }
    count = signatures.count
    members = sets.indices.map { set in signatures.map { $0[set] } }

    var pageNumbers: [UInt16] = []
    var pages: [UInt8] = []
    var known: [[UInt8]: UInt16] = [:]
    var interval = 0
    var uniform: [UInt8: UInt16] = [:]
    for first in stride(from: UInt32(0), through: ScalarSet.limit, by: Self.pageSize) {
      while interval + 1 < starts.count, starts[interval + 1] <= first { interval += 1 }
      let end = interval + 1 < starts.count ? starts[interval + 1] : ScalarSet.limit + 1
      let isUniform = end >= first + UInt32(Self.pageSize)
      if isUniform, let number = uniform[intervalClasses[interval]] {
        pageNumbers.append(number)
        continue
      }
      var page: [UInt8] = []
      page.reserveCapacity(Self.pageSize)
      for value in first..<first + UInt32(Self.pageSize) {
        while interval + 1 < starts.count, starts[interval + 1] <= value { interval += 1 }
        page.append(intervalClasses[interval])
      }
      if let number = known[page] {
        pageNumbers.append(number)
      } else {
        let number = UInt16(pages.count / Self.pageSize)
        known[page] = number
        pages += page
        pageNumbers.append(number)
      }
      if isUniform { uniform[page[0]] = pageNumbers[pageNumbers.count - 1] }
    }
    self.pages = pages
    self.pageNumbers = pageNumbers
    ascii = Array(pages[0..<128])
  }

  @inline(__always)
  func ofASCII(_ byte: UInt8) -> Int { Int(ascii[Int(byte)]) }

  @inline(__always)
  func of(_ scalar: UInt32) -> Int {
    let page = Int(pageNumbers[Int(scalar >> 8)])
    return Int(pages[page << 8 | Int(scalar & 0xFF)])
  }
}
