import ApusCore

/// The policies by the name that `--kv-policy` takes; to add one is a file in `Policies` and a line here.
public enum KVPolicies {
  public static let catalog = Catalog<any KVPolicy.Type>(
    "KV policy",
    [
      ("window", Window.self),
      ("streaming", Streaming.self),
      ("sirllm", SirLLM.self),
      ("h2o", H2O.self),
      ("tova", TOVA.self),
      ("keyformer", Keyformer.self),
      ("snapkv", SnapKV.self),
      ("pyramid", PyramidKV.self),
      ("adaptive", AdaKV.self),
      ("speckv", SpecKV.self),
      ("gemfilter", GemFilter.self),
      ("razor", RazorAttention.self),
      ("duo", DuoAttention.self),
      ("minicache", MiniCache.self),
    ])

  /// The policy that a text such as `snapkv:budget=1024,window=32` describes; throws `CatalogError`.
  ///
  /// `files` says whether options may name files of this machine.
  public static func make(_ text: String, files: Bool = true) throws -> any KVPolicy {
    let specification = try PluginSpecification(parsing: text)
    let type = try catalog.find(specification.name)
    return try PluginOptions.read(specification, files: files) { try type.init(options: $0) }
  }
}
