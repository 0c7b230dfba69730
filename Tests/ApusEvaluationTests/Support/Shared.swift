import Foundation

/// Recorded traces that are not part of the project; tests that need them are skipped where they are missing.
enum Traces {
  /// `$APUS_SHARED`, or the folder `shared` beside the package.
  private static let folder: URL = {
    var root = URL(filePath: #filePath).resolvingSymlinksInPath()
    for _ in 0..<5 { root.deleteLastPathComponent() }
    let shared = ProcessInfo.processInfo.environment["APUS_SHARED"].map { URL(filePath: $0) }
    return (shared ?? root.appending(path: "shared")).appending(path: "artefacts/traces")
  }()

  static let azure = folder.appending(path: "azure-2023/AzureLLMInferenceTrace_conv.csv")
  static let mooncake = folder.appending(path: "mooncake/conversation_trace.jsonl")

  static var arePresent: Bool {
    [azure, mooncake].allSatisfy { FileManager.default.fileExists(atPath: $0.path) }
  }
}
