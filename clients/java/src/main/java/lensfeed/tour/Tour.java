package lensfeed.tour;

import io.grpc.StatusRuntimeException;
import java.net.URI;
import java.nio.file.Path;
import java.util.UUID;
import lensfeed.feed.v1.FeedItem;
import lensfeed.feed.v1.FeedServiceGrpc;
import lensfeed.feed.v1.GetFeedRequest;
import lensfeed.feed.v1.GetFeedResponse;
import lensfeed.follow.v1.CreateFollowRequest;
import lensfeed.follow.v1.FollowServiceGrpc;
import lensfeed.media.v1.Media;
import lensfeed.media.v1.MediaServiceGrpc;
import lensfeed.post.v1.CreatePostRequest;
import lensfeed.post.v1.GetPostRequest;
import lensfeed.post.v1.PostServiceGrpc;
import lensfeed.user.v1.CreateSessionRequest;
import lensfeed.user.v1.CreateSessionResponse;
import lensfeed.user.v1.CreateUserRequest;
import lensfeed.user.v1.UserServiceGrpc;

/** A tour of a mesh: two people sign up, one posts a photo, the other follows and finds it in the feed. */
public final class Tour {
    private static final String PASSWORD = "correct horse battery";
    private static final int PAGE = 1;
    private static final int LOOKS = 100;
    private static final long LOOK_AGAIN_MILLIS = 200;

    private final Mesh mesh;

    private Tour(Mesh mesh) {
        this.mesh = mesh;
    }

    /** Run it: {@code Tour URL PHOTO}, a mesh's address and a JPEG. Prints a line for each step. */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 2) {
            System.err.println("usage: java -jar lensfeed-java.jar URL PHOTO.jpg");
            System.exit(2);
        }
        try (Mesh mesh = new Mesh(URI.create(arguments[0]))) {
            new Tour(mesh).walk(Path.of(arguments[1]));
        }
    }

    private void walk(Path photo) throws Exception {
        var author = signUp("author");
        var reader = signUp("reader");
        follow(reader.getAccessToken(), author.getUser().getUserId());
        String mediaId = upload(author.getAccessToken(), photo);
        String postId = post(author.getAccessToken(), mediaId);
        FeedItem item = find(reader.getAccessToken(), postId);
        System.out.println("feed " + item.getPost().getPostId() + " by " + item.getAuthor().getHandle());
        refuse(reader.getAccessToken());
    }

    private CreateSessionResponse signUp(String name) {
        String handle = name + "." + UUID.randomUUID().toString().substring(0, 8);
        var users = UserServiceGrpc.newBlockingStub(mesh.channel);
        var account = CreateUserRequest.newBuilder().setHandle(handle).setDisplayName(name).setPassword(PASSWORD);
        Mesh.soon(users).createUser(account.build());
        var login = CreateSessionRequest.newBuilder().setHandle(handle).setPassword(PASSWORD);
        var session = Mesh.soon(users).createSession(login.build());
        System.out.println("user " + session.getUser().getUserId() + " " + handle);
        return session;
    }

    private void follow(String token, long userId) {
        var follows = Mesh.as(token, FollowServiceGrpc.newBlockingStub(mesh.channel));
        Mesh.soon(follows).createFollow(CreateFollowRequest.newBuilder().setFolloweeId(userId).build());
    }

    private String upload(String token, Path photo) throws Exception {
        var upload = new Upload(Mesh.as(token, MediaServiceGrpc.newBlockingStub(mesh.channel)));
        Media sent = upload.send(photo, "image/jpeg", "a photo from Java");
        Media media = upload.finished(sent.getMediaId());
        System.out.println("media " + media.getMediaId() + " " + media.getState() + " " + media.getRenditionsCount() + " renditions");
        return media.getMediaId();
    }

    private String post(String token, String mediaId) {
        var posts = Mesh.as(token, PostServiceGrpc.newBlockingStub(mesh.channel));
        var wish = CreatePostRequest.newBuilder().setCaption("Hello from Java").addMediaIds(mediaId).build();
        String key = UUID.randomUUID().toString();
        String postId = Mesh.soon(Mesh.once(key, posts)).createPost(wish).getPostId();
        String again = Mesh.soon(Mesh.once(key, posts)).createPost(wish).getPostId();
        System.out.println("post " + postId);
        System.out.println("repeated " + again);
        return postId;
    }

    /** Look into the feed until the post is in it: a post reaches its followers' feeds a moment later. */
    private FeedItem find(String token, String postId) throws InterruptedException {
        for (int look = 0; look < LOOKS; look++) {
            FeedItem found = inFeed(token, postId);
            if (found != null) {
                return found;
            }
            Thread.sleep(LOOK_AGAIN_MILLIS);
        }
        throw new IllegalStateException("post " + postId + " is not in the feed");
    }

    /** Walk the feed by its cursor, to the proven end. */
    private FeedItem inFeed(String token, String postId) {
        var feeds = Mesh.as(token, FeedServiceGrpc.newBlockingStub(mesh.channel));
        String cursor = "";
        GetFeedResponse page;
        do {
            page = Mesh.soon(feeds).getFeed(GetFeedRequest.newBuilder().setCursor(cursor).setLimit(PAGE).build());
            for (FeedItem item : page.getItemsList()) {
                if (item.getPost().getPostId().equals(postId)) {
                    return item;
                }
            }
            cursor = page.getNextCursor();
        } while (page.hasNextCursor());
        return null;
    }

    private void refuse(String token) throws Exception {
        var posts = Mesh.as(token, PostServiceGrpc.newBlockingStub(mesh.channel));
        try {
            Mesh.soon(posts).getPost(GetPostRequest.newBuilder().setPostId("a".repeat(26)).build());
            throw new IllegalStateException("a post that is not there was found");
        } catch (StatusRuntimeException refused) {
            Refusal refusal = Refusal.of(refused);
            System.out.println("refused " + refusal.code() + " " + refusal.reason());
        }
    }
}
