import ApusCompute
import ApusCore

/// Ranks pages by an upper bound of q·k from the smallest and largest number of each key component
/// (Quest, arXiv:2406.10774), with a constant number of pages, bounds of parts of pages, and the
/// choice kept for some steps (LServe, arXiv:2502.14866).
///
/// The bound is a product: positive components of the query with the largest numbers, negative ones
/// with the smallest, but for their rounding to 8 bits.
public struct Quest: PageSelector {
  public let pages: PageOptions
  public let logical: LogicalPageOptions

  public init(options: PluginOptions) throws {
    pages = try PageOptions(options)
    logical = try LogicalPageOptions(options)
  }

  public func summary(of keys: KeyRows) -> [Float] {
    let (smallest, largest) = keys.bounds()
    return largest + smallest
  }

  public func probe(_ query: ArraySlice<Float>) -> [Float] {
    query.map { max($0, 0) } + query.map { min($0, 0) }
  }
}
