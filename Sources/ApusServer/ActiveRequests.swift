import Apus
import Synchronization

/// The generations that are going on, for `/slots` and for draining.
final class ActiveRequests: Sendable {
  struct Entry: Sendable {
    let id: UInt64
    let promptTokens: Int
    var processed = 0
    var generated = 0
  }

  private struct State {
    var next: UInt64 = 1
    var entries: [UInt64: Entry] = [:]
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.entries.count } }

  /// In order of arrival.
  var entries: [Entry] {
    state.withLock { $0.entries.values.sorted { $0.id < $1.id } }
  }

  /// Counts a request for as long as the returned lease lives.
  func begin(promptTokens: Int) -> Lease {
    state.withLock { state in
      let id = state.next
      state.next += 1
      state.entries[id] = Entry(id: id, promptTokens: promptTokens)
      return Lease(id: id, requests: self)
    }
  }

  /// A request's place in the list, given up with its last reference.
  final class Lease: Sendable {
    private let id: UInt64
    private let requests: ActiveRequests

    init(id: UInt64, requests: ActiveRequests) {
      self.id = id
      self.requests = requests
    }

    func note(_ event: TextEvent) {
      requests.state.withLock { state in
        switch event {
        case .progress(let progress): state.entries[id]?.processed = progress.processed
        case .delta(_, let tokens): state.entries[id]?.generated += tokens.count
        case .promptLogprobs, .finished: break
        }
      }
    }

    deinit {
      _ = requests.state.withLock { $0.entries.removeValue(forKey: id) }
    }
  }
}
