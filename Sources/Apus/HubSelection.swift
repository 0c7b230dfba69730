/// Which files of a repository make up the model that `hf:ORG/REPO[:FILE]` names.
///
/// With a file: that file (or the one .gguf file whose name contains the text, such as `Q8_0`) and what it needs.
/// Without: the only .gguf model; of several the Q4_K_M, else the Q8_0 one; without any, the Hugging Face model.
package struct HubSelection: Equatable {
  /// All files to have, by their path in the repository.
  package let files: [String]
  /// The file to open; nil means the folder.
  package let entry: String?

  package init(repository: String, file: String?, listing: [String]) throws {
    let models = Self.models(in: listing)
    if let file {
      self = try Self.named(file, repository: repository, listing: listing, models: models)
    } else if let model = Self.preferred(models) {
      self.init(model: model)
    } else if !models.isEmpty {
      throw HubError.ambiguous(repository: repository, files: models.map { $0[0] })
    } else {
      let weights = Self.weights(in: listing)
      guard listing.contains("config.json"), !weights.isEmpty else {
        throw HubError.noModel(repository: repository)
      }
      self.init(files: weights + Self.companions(in: listing), entry: nil)
    }
  }

  private init(model: [String]) {
    files = model
    entry = model[0]
  }

  private init(files: [String], entry: String?) {
    self.files = files
    self.entry = entry
  }

  private static func named(
    _ file: String, repository: String, listing: [String], models: [[String]]
  ) throws -> HubSelection {
    if let model = models.first(where: { $0.contains(file) }) { return HubSelection(model: model) }
    if listing.contains(file) {
      guard file.hasSuffix(".safetensors") else { return HubSelection(files: [file], entry: file) }
      return HubSelection(files: [file] + companions(in: listing), entry: file)
    }
    let matching = models.filter { $0[0].lowercased().contains(file.lowercased()) }
    guard let model = matching.first, matching.count == 1 else {
      throw HubError.noSuchFile(
        file, repository: repository, known: models.isEmpty ? listing : models.map { $0[0] })
    }
    return HubSelection(model: model)
  }

  /// The .gguf models, each with its parts in order; projectors of images are none.
  private static func models(in listing: [String]) -> [[String]] {
    let files = listing.filter { $0.hasSuffix(".gguf") && !$0.contains("mmproj") }.sorted()
    var groups: [(key: String, files: [String])] = []
    for file in files {
      let key = shard(file)?.name ?? file
      if let last = groups.last, last.key == key {
        groups[groups.count - 1].files.append(file)
      } else {
        groups.append((key, [file]))
      }
    }
    return groups.map(\.files).filter { isComplete($0) }
  }

  private static func preferred(_ models: [[String]]) -> [String]? {
    if models.count == 1 { return models[0] }
    for type in ["q4_k_m", "q8_0"] {
      let matching = models.filter { $0[0].lowercased().contains(type) }
      if matching.count == 1 { return matching[0] }
    }
    return nil
  }

  private static func weights(in listing: [String]) -> [String] {
    let files = listing.filter { $0.hasSuffix(".safetensors") && !$0.contains("/") }.sorted()
    if files.contains("model.safetensors") { return ["model.safetensors"] }
    let parts = files.filter { shard($0)?.name == "model" }
    if listing.contains("model.safetensors.index.json"), !parts.isEmpty, isComplete(parts) {
      return ["model.safetensors.index.json"] + parts
    }
    return files.count == 1 && isComplete(files) ? files : []
  }

  private static func companions(in listing: [String]) -> [String] {
    [
      "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
      "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "tokenizer.model",
      "chat_template.jinja",
    ].filter(listing.contains)
  }

  private static func isComplete(_ files: [String]) -> Bool {
    guard let first = shard(files[0]) else { return true }
    return first.index == 1 && files.count == first.count
  }

  /// `name-00002-of-00003.gguf` as (name, 2, 3).
  private static func shard(_ file: String) -> (name: String, index: Int, count: Int)? {
    let stem = file.split(separator: ".").dropLast().joined(separator: ".")
    let parts = stem.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[parts.count - 2] == "of",
      let index = Int(parts[parts.count - 3]), let count = Int(parts[parts.count - 1])
    else { return nil }
    return (parts.dropLast(3).joined(separator: "-"), index, count)
  }
}
