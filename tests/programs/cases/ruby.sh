#!/bin/sh
# ruby: strings, hashes, sorting, threads, forks and the collector.
# package: ruby
# uses: threads fork
prepare()
{
    make-input text 30000 >text
    cat >work.rb <<'RUBY'
words = File.read("#{ENV['IN']}/text").split
count = words.tally
puts count.sort_by { |w, n| [-n, w] }.first(8).map { |w, n| "#{w} #{n}" }
puts words.each_slice(7).map { |s| s.map(&:capitalize).join.gsub(/[aeiou]{1,2}/) { |v| v.upcase } }
          .map(&:hash).size
puts words.each_slice(9).map { |s| s.join('-').tr('a-m', 'n-z').reverse }.sort.each_slice(500)
          .map { |s| s.join.sum }.inspect
results = 4.times.map { |n| Thread.new { (1..20000).map { |i| [i, (i * n).to_s] }.to_h.size } }
puts results.map(&:value).inspect
pids = 5.times.map { |n| fork { GC.start; exit!(words.count(words[n]) % 3) } }
puts pids.map { |pid| Process.wait2(pid)[1].exitstatus }.inspect
3.times { GC.start; GC.compact if GC.respond_to?(:compact) && false }
puts (1..400).reduce(:*).to_s.size
RUBY
}

work()
{
    run ruby "$IN/work.rb"
}
