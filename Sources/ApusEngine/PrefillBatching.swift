import ApusCompute
import ApusCore

/// How the parts of prompts that share a step lie in it.
public enum PrefillBatching: String, Sendable, CaseIterable {
  /// One behind the other, with nothing between (after Prepacking, arXiv:2404.09529).
  case packed
  /// Each filled up to the longest, for comparison: what is added is computed and thrown away.
  case padded
}

/// Tokens that fill up the parts of prompts of one step, and the pages that their keys and values go to.
struct Padding {
  private let pages: Range<PageID>
  private let pagesOfPart: Int

  /// Pages behind the first `firstPage` ones, enough for `parts` parts of at most `tokens` tokens.
  init(firstPage: Int, parts: Int, tokens: Int) {
    pagesOfPart = KVGeometry.pageCount(tokens)
    pages = PageID(firstPage)..<PageID(firstPage + parts * pagesOfPart)
  }

  var pageCount: Int { pages.count }

  /// The pages of part number `index` of the step.
  func pages(part index: Int) -> [PageID] {
    Array(pages.dropFirst(index * pagesOfPart).prefix(pagesOfPart))
  }
}
