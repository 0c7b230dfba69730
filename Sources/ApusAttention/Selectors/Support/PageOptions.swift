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

/// The options of selectors that rank pages by summaries of logical pages.
public struct LogicalPageOptions: Sendable {
  /// `logical`: keys that one summary stands for; a quarter of a page unless asked for, as in LServe (arXiv:2502.14866).
  public let size: Int
  /// `refine`: so many times the pages of the budget are chosen by their summaries, and of these the best by their keys;
  /// 1 leaves the keys out.
  public let refine: Int

  public init(_ options: PluginOptions) throws {
    let sizes = [4, 8, 16, 32]
    size =
      try options.value("logical", expected: "one of 4, 8, 16, 32") { text in
        Int(text).flatMap { sizes.contains($0) ? $0 : nil }
      } ?? HeadKeys.pageSize / 4
    refine = try options.int("refine", in: 1...64) ?? 4
  }
}
