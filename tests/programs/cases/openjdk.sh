#!/bin/sh
# openjdk: compiles a class, then runs it with threads, streams, maps and direct buffers.
# package: openjdk-17-jdk-headless
# uses: threads
prepare()
{
    make-input text 40000 >text
    cat >Work.java <<'JAVA'
import java.nio.ByteBuffer;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import java.util.zip.*;

public class Work {
    public static void main(String[] args) throws Exception {
        List<String> lines = Files.readAllLines(Path.of(System.getenv("IN"), "text"));
        Map<String, Long> count = lines.parallelStream().flatMap(l -> Arrays.stream(l.split(" ")))
            .collect(Collectors.groupingByConcurrent(w -> w, Collectors.counting()));
        new TreeMap<>(count).entrySet().stream().limit(10).forEach(System.out::println);
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<Long>> sums = new ArrayList<>();
        for (int n = 0; n < 8; n++) {
            final int start = n;
            sums.add(pool.submit(() -> {
                long sum = 0;
                for (int i = start; i < lines.size(); i += 80) {
                    Deflater deflater = new Deflater(1 + i % 9);    // native memory
                    byte[] text = lines.get(i).getBytes(), out = new byte[1000];
                    deflater.setInput(text);
                    deflater.finish();
                    sum += deflater.deflate(out);
                    deflater.end();
                    ByteBuffer direct = ByteBuffer.allocateDirect(1 + i % 5000);
                    sum += direct.put((byte) i).capacity();
                }
                return sum;
            }));
        }
        for (Future<Long> sum : sums)
            System.out.println(sum.get());
        pool.shutdown();
        System.exit(11);
    }
}
JAVA
}

work()
{
    run javac -d . "$IN/Work.java"
    status=0
    run java -Xmx256m -cp . Work || status=$?
    echo "exit status $status"
}
