/// Why a line of a chat does nothing.
package enum ChatError: Error, Equatable, CustomStringConvertible {
  case missingArgument(usage: String)
  case unexpectedArgument(usage: String)
  case nothingSaid
  case badSetting(String)

  package var description: String {
    switch self {
    case .missingArgument(let usage): "the command is \(usage)"
    case .unexpectedArgument(let usage): "\(usage) takes nothing behind it"
    case .nothingSaid: "there is no answer yet"
    case .badSetting(let message): message
    }
  }
}
