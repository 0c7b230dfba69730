import Testing

/// What articles and README show as Swift is what the listings are, which are compiled and run.
struct DocumentationTests {
  @Test func everyBlockIsAListing() throws {
    let listings = try Documentation.listings()
    let blocks = try Documentation.documents().flatMap { try Documentation.blocks(of: $0) }
    #expect(blocks.count >= 10)
    for block in blocks where !listings.contains(where: { $0.lines == Self.body(block) }) {
      let nearest = listings.max { Self.common($0, block) < Self.common($1, block) }
      Issue.record(
        "\(block.place): no listing reads so; the nearest is \(nearest?.place ?? "none")")
    }
  }

  @Test func everyListingIsShown() throws {
    let blocks = try Documentation.documents().flatMap { try Documentation.blocks(of: $0) }
    let bodies = Set(blocks.map(Self.body))
    for listing in try Documentation.listings() where !bodies.contains(listing.lines) {
      Issue.record("\(listing.place): no document shows this listing")
    }
  }

  /// A block may begin as a file does, with what all listings import.
  private static func body(_ block: Documentation.Passage) -> [String] {
    let head = ["import Apus", ""]
    return block.lines.starts(with: head) ? Array(block.lines.dropFirst(head.count)) : block.lines
  }

  private static func common(_ a: Documentation.Passage, _ b: Documentation.Passage) -> Int {
    Set(a.lines).intersection(b.lines).count
  }
}
