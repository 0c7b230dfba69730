import ApusCore

/// The tokens with which a model is asked for a text between two others.
public struct FillInMiddleTokens: Sendable, Equatable {
  public let prefix: TokenID
  public let suffix: TokenID
  public let middle: TokenID
  /// Before the name of a repository, where the model has it.
  public let repository: TokenID?
  /// Before the name of a file, where the model has it.
  public let file: TokenID?

  /// The names that models give them, as llama.cpp knows them.
  private static let prefixNames = [
    "<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>",
    "<|code_prefix|>",
  ]
  private static let suffixNames = [
    "<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>",
    "<|code_suffix|>",
  ]
  private static let middleNames = [
    "<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>",
    "<|code_middle|>",
  ]
  private static let repositoryNames = [
    "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>",
  ]
  private static let fileNames = ["<|file_sep|>", "<file_sep>"]

  /// Those that the file gives a role, else those of a known name; nil unless there are the first three.
  init?(_ vocabulary: Vocabulary, roles: [String: TokenID]) {
    func find(_ keys: [String], _ names: [String]) -> TokenID? {
      keys.lazy.compactMap { roles[$0] }.first
        ?? names.lazy.compactMap { vocabulary.id(of: $0) }.first
    }
    guard let prefix = find(["fim_pre", "prefix"], Self.prefixNames),
      let suffix = find(["fim_suf", "suffix"], Self.suffixNames),
      let middle = find(["fim_mid", "middle"], Self.middleNames)
    else { return nil }
    self.prefix = prefix
    self.suffix = suffix
    self.middle = middle
    repository = find(["fim_rep"], Self.repositoryNames)
    file = find(["fim_sep"], Self.fileNames)
  }

  /// The roles that GGUF files name.
  static let roleNames = [
    "fim_pre", "fim_suf", "fim_mid", "fim_rep", "fim_sep", "prefix", "suffix", "middle",
  ]
}

extension Tokenizer {
  /// How the model is asked to fill in; nil for a model that was not trained to.
  public var fillInMiddle: FillInMiddleTokens? {
    FillInMiddleTokens(parts.vocabulary, roles: parts.special.fillRoles)
  }
}
