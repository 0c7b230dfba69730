import ApusCore

/// The options of selectors that rank pages by summaries of logical pages.
public struct LogicalPageOptions: Sendable {
  /// `logical`: keys that one summary stands for; an eighth of a page unless asked for.
  public let size: Int
  /// `ahead`: so many of a page's last logical pages count for the page behind it, too; one unless asked for.
  public let ahead: Int
  /// `refine`: so many times the pages of the budget are chosen by their summaries, and of these the best by their keys;
  /// 1 leaves the keys out.
  public let refine: Int

  /// Logical pages of a page.
  public var perPage: Int { HeadKeys.pageSize / size }

  /// Throws `CatalogError` for options that make no sense.
  public init(_ options: PluginOptions) throws {
    let sizes = [4, 8, 16, 32]
    size =
      try options.value("logical", expected: "one of 4, 8, 16, 32") { text in
        Int(text).flatMap { sizes.contains($0) ? $0 : nil }
      } ?? HeadKeys.pageSize / 8
    let others = HeadKeys.pageSize / size - 1
    ahead = try options.int("ahead", in: 0...others) ?? min(1, others)
    refine = try options.int("refine", in: 1...64) ?? 3
  }
}
