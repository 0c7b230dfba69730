/// Why a model of the Hugging Face hub could not be had; every description is one line that says what to do.
public enum HubError: Error, Equatable, CustomStringConvertible {
  case unauthorized(String)
  case forbidden(String, endpoint: String)
  case notFound(String, endpoint: String)
  case noSuchFile(String, repository: String, known: [String])
  case noModel(repository: String)
  case ambiguous(repository: String, files: [String])
  case notCached(String, folder: String)
  case unreachable(endpoint: String, reason: String)
  case status(Int, url: String)
  case malformed(url: String, reason: String)
  case interrupted(file: String, done: Int, reason: String)
  case wrongSize(file: String, expected: Int, found: Int)
  case wrongChecksum(file: String, expected: String, found: String)
  case cannotWrite(path: String, reason: String)

  public var description: String {
    switch self {
    case .unauthorized(let name):
      "\(name) is private, gated or does not exist; check the name or set HF_TOKEN"
    case .forbidden(let name, let endpoint):
      "\(name) may not be read with this HF_TOKEN; ask for access at \(endpoint)"
    case .notFound(let name, let endpoint): "\(name) was not found at \(endpoint); check the name"
    case .noSuchFile(let file, let repository, let known):
      "hf:\(repository) has no file '\(file)'; it has \(Self.list(known))"
    case .noModel(let repository):
      "hf:\(repository) holds neither a .gguf file nor config.json with .safetensors files"
    case .ambiguous(let repository, let files):
      "hf:\(repository) holds several models; name one as hf:\(repository):FILE: \(Self.list(files))"
    case .notCached(let name, let folder):
      "\(name) is not in \(folder), and HF_HUB_OFFLINE forbids to download it"
    case .unreachable(let endpoint, let reason):
      "cannot reach \(endpoint): \(reason); check the network and HF_ENDPOINT"
    case .status(let status, let url): "\(url) answered with status \(status); try again later"
    case .malformed(let url, let reason): "the answer of \(url) makes no sense: \(reason)"
    case .interrupted(let file, let done, let reason):
      "the download of \(file) stopped after \(done) bytes: \(reason); run again to resume it"
    case .wrongSize(let file, let expected, let found):
      "\(file) has \(found) bytes, expected \(expected); the download was discarded, run again"
    case .wrongChecksum(let file, let expected, let found):
      "\(file) has the SHA-256 \(found), expected \(expected); the download was discarded, run again"
    case .cannotWrite(let path, let reason):
      "cannot write \(path): \(reason); set HF_HUB_CACHE to another folder"
    }
  }

  private static func list(_ files: [String]) -> String {
    let shown = files.prefix(20).joined(separator: ", ")
    return files.count > 20 ? shown + " and \(files.count - 20) more" : shown
  }
}
