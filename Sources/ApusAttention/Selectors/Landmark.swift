import ApusCompute
import ApusCore

/// Ranks pages by q·k of one key that stands for each (Landmark Attention, arXiv:2305.16300).
///
/// There a model is trained to close each block with a landmark token, whose attention also weighs
/// the block; here any model's mean key of a logical page stands for it and only ranks.
public struct Landmark: PageSelector {
  public let pages: PageOptions
  public let logical: LogicalPageOptions

  public init(options: PluginOptions) throws {
    pages = try PageOptions(options)
    logical = try LogicalPageOptions(options)
  }

  public func summary(of keys: KeyRows) -> [Float] { keys.mean() }
}
