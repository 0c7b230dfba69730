import ApusCore

/// The options that selectors of whole pages have in common.
public struct PageOptions: Sendable {
  /// `budget`: keys that a head reads in a step.
  public let budget: Int
  /// `reuse`: steps that read the same pages before others are chosen.
  public let reuse: Int
  /// `sinks`, `recent`: pages at the start and the end of the text that are read in any case; at
  /// most a quarter of the budget each unless asked for.
  public let sinks: Int
  public let recent: Int

  /// Pages that a head reads in a step.
  public var limit: Int { budget / HeadKeys.pageSize }

  /// Throws `CatalogError` for options that leave no page to choose.
  public init(_ options: PluginOptions) throws {
    budget = try options.int("budget", in: 2 * HeadKeys.pageSize...1 << 24) ?? 2048
    reuse = try options.int("reuse", in: 1...1024) ?? 4
    let limit = budget / HeadKeys.pageSize
    sinks = try options.int("sinks", in: 0...limit - 1) ?? min(1, limit / 4)
    let mostRecent = limit - 1 - sinks
    recent = try options.int("recent", in: 0...mostRecent) ?? min(4, limit / 4, mostRecent)
  }
}
