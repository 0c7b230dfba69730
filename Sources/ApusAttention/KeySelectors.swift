import ApusCore

/// The selectors by the name that `--select` takes; to add one is a file in `Selectors` and a line here.
public enum KeySelectors {
  public static let catalog = Catalog<any KeySelector.Type>(
    "key selector",
    [
      ("quest", Quest.self),
      ("landmark", Landmark.self),
      ("longheads", LongHeads.self),
      ("squeezed", Squeezed.self),
      ("tokenselect", TokenSelect.self),
      ("sentencekv", SentenceKV.self),
      ("hip", HiP.self),
    ])

  /// The selector that a text such as `quest:budget=2048` describes; throws `CatalogError`.
  public static func make(_ text: String) throws -> any KeySelector {
    let specification = try PluginSpecification(parsing: text)
    let type = try catalog.find(specification.name)
    return try PluginOptions.read(specification, files: false) { try type.init(options: $0) }
  }
}
