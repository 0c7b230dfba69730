import Apus
import ApusCore
import ApusEngine
import ApusModels
import ArgumentParser

/// Which model to load.
struct ModelOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A .gguf file, a Hugging Face folder, builtin:NAME or hf:ORG/REPO[:FILE]; default: builtin:reader.",
      valueName: "model"),
    transform: { try ModelReference(parsing: $0) })
  var model = ModelReference.builtin("reader")

  /// Loads the model with its weights.
  func load(_ configuration: EngineConfiguration, quiet: Bool) throws -> LanguageModel {
    try load(quiet: quiet) { progress, warning, download in
      try LanguageModel(
        model, configuration: configuration, progress: progress, warning: warning,
        download: download)
    }
  }

  /// Loads a language model or an encoder.
  func loadAny(
    _ configuration: EngineConfiguration, quiet: Bool
  ) throws -> any EmbeddingModel {
    try load(quiet: quiet) { progress, warning, download in
      try loadModel(
        model, configuration: configuration, progress: progress, warning: warning,
        download: download)
    }
  }

  private func load<Model>(
    quiet: Bool,
    _ make:
      @escaping (
        _ progress: @escaping @Sendable (Int, Int) -> Void,
        _ warning: @escaping @Sendable (String) -> Void, _ download: (DownloadProgress) -> Void
      ) throws -> Model
  ) throws -> Model {
    try Self.loading(model, quiet: quiet) { progress in
      try Self.downloading(model, quiet: quiet) { download in
        try make(progress, { Output.note("warning: \($0)") }, download)
      }
    }
  }

  /// Shows the progress that `body` reports: layers loaded and layers in all.
  static func loading<Result>(
    _ model: ModelReference, quiet: Bool,
    _ body: (_ progress: @escaping @Sendable (Int, Int) -> Void) throws -> Result
  ) rethrows -> Result {
    let bar = ProgressBar("loading \(model)", quiet: quiet)
    defer { bar.finish() }
    return try body { bar.update($0, of: $1, detail: "\($0) of \($1) layers") }
  }

  /// Opens the model's tokenizer only.
  func text(quiet: Bool) throws -> TextFiles {
    let path = try Self.localPath(model, quiet: quiet)
    return try TextFiles(Checkpoint.tokenizerSource(path), path: path)
  }

  /// Where a model's files are, downloaded if they have to be.
  static func localPath(_ model: ModelReference, quiet: Bool) throws -> String {
    try downloading(model, quiet: quiet) { try LanguageModel.localPath(model, download: $0) }
  }

  private static func downloading<Result>(
    _ model: ModelReference, quiet: Bool, _ body: ((DownloadProgress) -> Void) throws -> Result
  ) rethrows -> Result {
    let bar = ProgressBar("downloading \(model)", quiet: quiet)
    defer { bar.finish() }
    return try body { progress in
      let total = progress.total.map { " of \(ByteCount($0))" } ?? ""
      bar.update(
        progress.done, of: progress.total,
        detail: "\(progress.file), \(ByteCount(progress.done))\(total)")
    }
  }
}
