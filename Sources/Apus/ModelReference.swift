import ApusCore
import Foundation

/// Where a model comes from, as `--model` takes it.
public enum ModelReference: Sendable, Equatable, CustomStringConvertible {
  /// A `.gguf` file, a Hugging Face directory or a `.safetensors` file.
  case path(String)
  /// A model that ships with the program.
  case builtin(String)
  /// A repository of the Hugging Face hub and, if given, one of its files.
  case hub(repository: String, file: String?)

  public static let builtinNames = ["reader", "reader-draft"]

  /// Parses `PATH`, `builtin:NAME` or `hf:ORG/REPO[:FILE]`; throws `ModelReferenceError`.
  public init(parsing text: String) throws {
    if text.hasPrefix("builtin:") {
      let name = String(text.dropFirst("builtin:".count))
      guard Self.builtinNames.contains(name) else {
        throw ModelReferenceError.unknownBuiltin(name, valid: Self.builtinNames)
      }
      self = .builtin(name)
    } else if text.hasPrefix("hf:") {
      let parts = text.dropFirst("hf:".count).split(separator: ":", maxSplits: 1)
      guard let repository = parts.first, repository.split(separator: "/").count == 2,
        !repository.split(separator: "/").contains("..")
      else { throw ModelReferenceError.malformedHub(text) }
      self = .hub(repository: String(repository), file: parts.count > 1 ? String(parts[1]) : nil)
    } else {
      guard !text.isEmpty else { throw ModelReferenceError.empty }
      self = .path(text)
    }
  }

  public var description: String {
    switch self {
    case .path(let path): path
    case .builtin(let name): "builtin:\(name)"
    case .hub(let repository, let file): "hf:\(repository)" + (file.map { ":\($0)" } ?? "")
    }
  }
}

public enum ModelReferenceError: Error, Equatable, CustomStringConvertible {
  case empty
  case unknownBuiltin(String, valid: [String])
  case malformedHub(String)
  case missingResource(String, searched: [String])

  public var description: String {
    switch self {
    case .empty: "the model's name is empty"
    case .unknownBuiltin(let name, let valid):
      "there is no builtin model '\(name)'; valid: \(valid.joined(separator: ", "))"
    case .malformedHub(let text): "'\(text)' is not of the form hf:ORG/REPO or hf:ORG/REPO:FILE"
    case .missingResource(let name, let searched):
      "the file \(name) of the builtin model was not found; searched \(searched.joined(separator: ", "))"
    }
  }
}

/// The files that ship with the program.
enum BuiltinModels {
  /// The path of a builtin model: in the bundle beside the executable, wherever both were moved, or where SwiftPM
  /// built it.
  static func path(_ name: String) throws -> String {
    let file = name + ".gguf"
    let bundle = "apus_Apus.resources"
    let executable = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    let folders = [executable, Bundle.main.bundleURL.appending(path: "apus")].map {
      $0.deletingLastPathComponent().appending(path: bundle)
    }
    for folder in folders {
      let path = folder.appending(path: file).path
      if FileManager.default.fileExists(atPath: path) { return path }
    }
    throw ModelReferenceError.missingResource(file, searched: folders.map(\.path))
  }
}
