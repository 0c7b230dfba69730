import ApusCore

/// Ranks pages by an upper bound of q·k from the smallest and largest number of each key component (Quest,
/// arXiv:2406.10774), with a constant number of pages and the choice kept for some steps (LServe, arXiv:2502.14866).
///
/// The bound is a product: positive components of the query with the largest numbers, negative ones with the smallest.
public struct Quest: PageSelector {
  public let budget: Int
  public let reuse: Int

  public init(options: PluginOptions) throws {
    budget = try options.int("budget", in: 64...1 << 24) ?? 2048
    reuse = try options.int("reuse", in: 1...1024) ?? 4
  }

  public func summaryCount(dimension: Int) -> Int { 2 * dimension }

  public func summary(of keys: [[Float]]) -> [Float] {
    var (smallest, largest) = (keys[0], keys[0])
    for key in keys.dropFirst() {
      for d in key.indices {
        smallest[d] = min(smallest[d], key[d])
        largest[d] = max(largest[d], key[d])
      }
    }
    return largest + smallest
  }

  public func probe(_ query: ArraySlice<Float>) -> [Float] {
    query.map { max($0, 0) } + query.map { min($0, 0) }
  }
}
